// SPDX-License-Identifier: Apache-2.0
// One experiment file: a question, everything that decides the simulated step, and what to write.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "experiments/objectives.h"
#include "experiments/sweep/sweep_section.h"
#include "sim/report/writers/trace_writer.h"
#include "sim/scenario.h"

namespace moesim::experiments {

// Which points of a sweep get a folder of files: up to 1,000 all, of more none; or as told.
enum class PointFolders { automatic, all, none };
base::EnumNames<PointFolders> names_of(PointFolders);

struct OutputsConfig {
  std::vector<sim::TraceFormat> traces = {sim::TraceFormat::perfetto, sim::TraceFormat::chrome};
  bool routing_trace = false;
  bool report = false;
  PointFolders points = PointFolders::automatic;
};

struct Experiment {
  std::string schema;   // "$schema", for editors
  std::string extends;  // merged by read_document, empty in what it returns
  std::string name;
  std::string question;
  sim::Scenario scenario;  // its sections are the file's
  SweepSection sweep;
  Objectives objectives;
  WrittenConstraints constraints;
  OutputsConfig outputs;
};

void describe(base::FieldTable& table, OutputsConfig& outputs);
void describe(base::FieldTable& table, Experiment& experiment);

// Reads the file, merges it over what its `extends` names (relative to the file; RFC 7396, but null
// sets null; chains of at most 16), and applies the `--set` assignments in their order. Throws
// base::Error.
base::JsonValue read_document(const std::filesystem::path& file,
                              const std::vector<std::string>& assignments);

// Throws base::Error, placed in the document, unless `name` can name a folder of results.
void check_name(const base::JsonValue& document, const std::string& name);

// The tree with presets and hf_config replaced by what they name, and names of files made absolute
// (file_names.h). Throws base::Error.
base::JsonValue resolve_presets(base::JsonValue document);

// Reads the tree of resolve_presets(). Throws base::Error.
Experiment read_experiment(const base::JsonValue& document, base::ReadReport& report);

}  // namespace moesim::experiments
