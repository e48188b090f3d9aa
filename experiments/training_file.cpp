// SPDX-License-Identifier: Apache-2.0
#include "experiments/training_file.h"

#include <utility>

#include "base/data_directory.h"
#include "base/error.h"
#include "experiments/error_place.h"
#include "experiments/experiment.h"
#include "experiments/file_names.h"
#include "experiments/sweep/sweep_values.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

constexpr const char* kSizes = "model/sizes";

// Gives what a file says another place.
void move_places(JsonValue& value, const std::string& file, const base::Place& place) {
  if (value.place.origin != nullptr && *value.place.origin == file) value.place = place;
  for (JsonValue& item : value.items) move_places(item, file, place);
  for (base::JsonMember& member : value.members) {
    if (member.place.origin != nullptr && *member.place.origin == file) member.place = place;
    move_places(member.value, file, place);
  }
}

// The tree with the model's size preset replaced by what it names. The preset's values stand where
// it is named: that is what a reader can change.
JsonValue with_sizes(JsonValue document) {
  JsonValue* model = document.find("model");
  if (model == nullptr) return document;
  JsonValue sizes = base::resolve_preset(*model, kSizes);
  if (const JsonValue* preset = model->find("preset")) {
    const auto file = base::data_directory() / kSizes / (preset->text + ".json");
    move_places(sizes, file.string(), preset->place);
  }
  *model = std::move(sizes);
  return document;
}

TrainingPoint read_point(JsonValue document) {
  TrainingPoint point;
  point.document = resolve_files("", std::move(document));
  base::ReadReport report;
  try {
    base::read_json(point.document, point.file, report);
    check_name(point.document, point.file.name);
    model::validate(point.file.model, point.file.training, "");
    if (point.file.training.steps < 1) {
      throw base::Error("/training/steps", "there is no step to train", "use at least 1");
    }
  } catch (const base::Error& error) {
    throw placed_error(point, error);
  }
  point.warnings = base::placed_texts(report.warnings);
  return point;
}

}  // namespace

void describe(base::FieldTable& table, TrainingFile& file) {
  table.title("training file", "One MoE-GPT to train.");
  table.field("$schema", file.schema, "Path of the schema, for editors.");
  table.field("extends", file.extends,
              "Training file, relative to this one, that this one is merged over (RFC 7396, but "
              "null sets null).");
  table.field("name", file.name, "Names the folder of results.").required();
  table.field("question", file.question, "What the training is to show, in a sentence.");
  table.field("text", file.text,
              "Text file or folder to train on, relative to this file; empty = the one that "
              "ships with the program, model/train/own_text.txt.");
  table.field("model", file.model, "The model: {\"preset\": size} or fields.").required();
  table.field("training", file.training, "How it is trained.").required();
  table.field(
      "sweep", file.sweep,
      "Dotted keys and their values; one model is trained for each combination, the last key "
      "fastest.");
}

std::vector<TrainingPoint> expand_training(const JsonValue& document) {
  if (document.find("cluster") != nullptr) {
    throw base::Error(document.place.text(), "this is an experiment file: it has a cluster",
                      "moesim run reads it");
  }
  std::vector<TrainingPoint> points;
  for (const SweptValues& swept : swept_values(document)) {
    if (!swept.excluded.empty()) continue;
    TrainingPoint& point =
        points.emplace_back(read_point(with_sizes(with_swept_values(document, swept.values))));
    point.label = swept.label;
    point.swept = swept.values;
    point.axes = swept.axes;
  }
  return points;
}

base::Error placed_error(const TrainingPoint& point, const base::Error& error) {
  const std::string& text = point.file.text;
  const bool is_text = !text.empty() && error.where() == text;
  return with_place(
      is_text ? base::Error("/text", text + ": " + error.message(), error.hint()) : error,
      point.document, base::struct_codec_of<TrainingFile>());
}

}  // namespace moesim::experiments
