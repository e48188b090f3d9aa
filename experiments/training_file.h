// SPDX-License-Identifier: Apache-2.0
// One training file: a MoE-GPT, how it is trained and on what text, for `moesim train`. Like an
// experiment it may extend another file, take `--set`, and sweep.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "experiments/sweep/sweep_section.h"
#include "model/moe_gpt_config.h"
#include "model/train/training_config.h"

namespace moesim::experiments {

struct TrainingFile {
  std::string schema;   // "$schema", for editors
  std::string extends;  // merged by read_document, empty in what it returns
  std::string name;
  std::string question;
  std::string text;  // file or folder; "": model::own_text()
  model::MoeGptConfig model;
  model::TrainingConfig training;
  SweepSection sweep;
};

void describe(base::FieldTable& table, TrainingFile& file);

struct TrainingPoint {
  std::string label;  // "model.router.capacity_factor=1.0"; "" without a sweep
  std::map<std::string, base::JsonValue> swept;
  std::vector<std::string> axes;  // the swept keys in the file's order
  TrainingFile file;
  std::vector<std::string> warnings;
  base::JsonValue document;  // what the file was read from: its sizes and swept values in place
};

// The points of a document that read_document (experiment.h) returned, all checked: combinations of
// the sweep's values in order, the last key fastest. `text` becomes relative to the working
// directory. Throws base::Error at the first point that cannot be.
std::vector<TrainingPoint> expand_training(const base::JsonValue& document);

// An error of the point's training with its place in the document where it is about a setting, or
// about the text that the document names.
base::Error placed_error(const TrainingPoint& point, const base::Error& error);

}  // namespace moesim::experiments
