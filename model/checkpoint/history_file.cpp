// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/history_file.h"

#include <string>
#include <vector>

#include "model/checkpoint/tensor_reader.h"

namespace moesim::model {
namespace {

struct Column {
  const char* name;
  double StepRecord::*value;
};

const std::string kEarlier = "use an earlier checkpoint";

// Sums of counts up to here stay within 64 bits.
constexpr std::int64_t kMostCounted = std::int64_t{1} << 53;

constexpr Column kColumns[] = {{"loss", &StepRecord::loss},
                               {"balance", &StepRecord::balance},
                               {"grad_norm", &StepRecord::grad_norm},
                               {"learning_rate", &StepRecord::learning_rate}};

template <class T, class Record, class Get>
Tensor column(const std::string& name, const std::vector<Record>& records, Get get) {
  std::vector<T> values;
  for (const Record& record : records) values.push_back(get(record));
  return tensor_of(name, {static_cast<std::int64_t>(values.size())}, std::span<const T>(values));
}

// The length of a column that is there.
TensorShape length_of(const TensorReader& reader, const std::string& name) {
  const TensorShape& shape = reader.shape_of(name);
  if (shape.size() != 1) reader.fail(name, "it is not a column", kEarlier);
  return shape;
}

int as_step(const TensorReader& reader, const std::string& name, std::int64_t step, int last_step) {
  if (step < 0 || step > last_step) {
    reader.fail(name,
                "step " + std::to_string(step) + " is not one of the checkpoint's " +
                    std::to_string(last_step),
                kEarlier);
  }
  return static_cast<int>(step);
}

// Throws where the counts of a tensor cannot be counts.
void check_counts(const TensorReader& reader, const std::string& name,
                  const std::vector<std::int64_t>& counts) {
  for (const std::int64_t count : counts) {
    if (count >= 0 && count <= kMostCounted) continue;
    reader.fail(name, std::to_string(count) + " is no count", kEarlier);
  }
}

// What a layer's usage keeps for each expert.
struct PairCount {
  const char* name;
  std::vector<std::int64_t> LayerUsage::*value;
};

constexpr PairCount kPairCounts[] = {{"usage_chosen", &LayerUsage::chosen},
                                     {"usage_kept", &LayerUsage::kept}};

// One list of all rows and layers.
template <class T, class Get>
std::vector<T> flatten(const std::vector<UsageRow>& rows, Get get) {
  std::vector<T> values;
  for (const UsageRow& row : rows) {
    for (const LayerUsage& layer : row.layers) {
      const std::vector<T> part = get(layer);
      values.insert(values.end(), part.begin(), part.end());
    }
  }
  return values;
}

void add_usage_tensors(const std::vector<UsageRow>& rows, std::vector<Tensor>& tensors) {
  const auto count = static_cast<std::int64_t>(rows.size());
  const auto layers = static_cast<std::int64_t>(rows.empty() ? 0 : rows[0].layers.size());
  const auto experts = static_cast<std::int64_t>(layers == 0 ? 0 : rows[0].layers[0].chosen.size());
  tensors.push_back(column<std::int64_t>(
      "usage_first_step", rows, [](const UsageRow& r) { return std::int64_t{r.first_step}; }));
  tensors.push_back(column<std::int64_t>(
      "usage_last_step", rows, [](const UsageRow& r) { return std::int64_t{r.last_step}; }));
  const auto tokens = flatten<std::int64_t>(
      rows, [](const LayerUsage& layer) { return std::vector<std::int64_t>{layer.tokens}; });
  tensors.push_back(
      tensor_of("usage_tokens", {count, layers}, std::span<const std::int64_t>(tokens)));
  for (const PairCount& pairs : kPairCounts) {
    const auto values =
        flatten<std::int64_t>(rows, [&](const LayerUsage& layer) { return layer.*pairs.value; });
    tensors.push_back(
        tensor_of(pairs.name, {count, layers, experts}, std::span<const std::int64_t>(values)));
  }
  const auto importance =
      flatten<double>(rows, [](const LayerUsage& layer) { return layer.importance; });
  tensors.push_back(
      tensor_of("usage_importance", {count, layers, experts}, std::span<const double>(importance)));
}

template <class T>
std::vector<T> part_of(const std::vector<T>& values, std::size_t index, std::size_t size) {
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(index * size);
  return {first, first + static_cast<std::ptrdiff_t>(size)};
}

std::vector<std::int64_t> take_counts(TensorReader& reader, const std::string& name,
                                      const TensorShape& shape) {
  std::vector<std::int64_t> counts = reader.take_integers(name, shape);
  check_counts(reader, name, counts);
  return counts;
}

// [rows, MoE layers, experts] of the model; without rows or MoE layers, what is left out is 0.
TensorShape usage_shape(const TensorReader& reader, const MoeGptConfig& model) {
  const TensorShape& shape = reader.shape_of("usage_chosen");
  if (shape.size() != 3) {
    reader.fail("usage_chosen", "it is not [rows, layers, experts]", kEarlier);
  }
  const std::int64_t layers = shape[0] == 0 ? 0 : model.num_moe_layers();
  const std::int64_t experts = layers == 0 ? 0 : model.router.num_experts;
  if (shape[1] != layers || shape[2] != experts) {
    reader.fail("usage_chosen",
                "it counts " + std::to_string(shape[2]) + " experts in each of " +
                    std::to_string(shape[1]) + " layers, and the model has " +
                    std::to_string(experts) + " in " + std::to_string(layers),
                kEarlier);
  }
  return shape;
}

// The steps of a row come after those of the row before.
void check_order(const TensorReader& reader, const std::vector<UsageRow>& rows) {
  int before = 0;
  for (const UsageRow& row : rows) {
    if (row.first_step > before && row.last_step >= row.first_step) {
      before = row.last_step;
      continue;
    }
    reader.fail("usage_first_step",
                "steps " + std::to_string(row.first_step) + " to " + std::to_string(row.last_step) +
                    " do not follow step " + std::to_string(before),
                kEarlier);
  }
}

std::vector<UsageRow> read_usage(TensorReader& reader, const MoeGptConfig& model, int last_step) {
  const TensorShape shape = usage_shape(reader, model);
  const auto first = reader.take_integers("usage_first_step", {shape[0]});
  const auto last = reader.take_integers("usage_last_step", {shape[0]});
  const auto tokens = take_counts(reader, "usage_tokens", {shape[0], shape[1]});
  const auto chosen = take_counts(reader, "usage_chosen", shape);
  const auto kept = take_counts(reader, "usage_kept", shape);
  const auto importance = reader.take_doubles("usage_importance", shape);
  const auto layers = static_cast<std::size_t>(shape[1]);
  const auto experts = static_cast<std::size_t>(shape[2]);
  std::vector<UsageRow> rows(first.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    rows[row].first_step = as_step(reader, "usage_first_step", first[row], last_step);
    rows[row].last_step = as_step(reader, "usage_last_step", last[row], last_step);
    for (std::size_t i = row * layers; i < (row + 1) * layers; ++i) {
      rows[row].layers.push_back({tokens[i], part_of(chosen, i, experts), part_of(kept, i, experts),
                                  part_of(importance, i, experts)});
    }
  }
  check_order(reader, rows);
  return rows;
}

// One record for each of the steps 1 to last_step, in order.
std::vector<StepRecord> read_steps(TensorReader& reader, int last_step) {
  const TensorShape length = length_of(reader, "step");
  const std::vector<std::int64_t> steps = reader.take_integers("step", length);
  const std::vector<std::int64_t> tokens = take_counts(reader, "tokens", length);
  std::vector<StepRecord> records(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    records[i].step = as_step(reader, "step", steps[i], last_step);
    records[i].tokens = tokens[i];
    if (steps[i] == static_cast<std::int64_t>(i) + 1) continue;
    reader.fail(
        "step",
        "step " + std::to_string(steps[i]) + " is where " + std::to_string(i + 1) + " should be",
        kEarlier);
  }
  if (static_cast<int>(records.size()) != last_step) {
    reader.fail("step",
                "it has " + std::to_string(records.size()) + " steps, and the checkpoint " +
                    std::to_string(last_step),
                kEarlier);
  }
  for (const Column& c : kColumns) {
    const std::vector<double> values = reader.take_doubles(c.name, length);
    for (std::size_t i = 0; i < values.size(); ++i) records[i].*c.value = values[i];
  }
  return records;
}

}  // namespace

void write_history(const std::filesystem::path& path, const TrainingHistory& history) {
  using Validation = ValidationRecord;
  std::vector<Tensor> tensors;
  tensors.push_back(column<std::int64_t>("step", history.steps,
                                         [](const StepRecord& r) { return std::int64_t{r.step}; }));
  tensors.push_back(
      column<std::int64_t>("tokens", history.steps, [](const StepRecord& r) { return r.tokens; }));
  for (const Column& c : kColumns) {
    tensors.push_back(
        column<double>(c.name, history.steps, [&](const StepRecord& r) { return r.*c.value; }));
  }
  tensors.push_back(column<std::int64_t>("validation_step", history.validations,
                                         [](const Validation& r) { return std::int64_t{r.step}; }));
  tensors.push_back(column<double>("validation_loss", history.validations,
                                   [](const Validation& r) { return r.loss; }));
  add_usage_tensors(history.usage, tensors);
  write_safetensors(path, tensors);
}

TrainingHistory read_history(const std::filesystem::path& path, const MoeGptConfig& model,
                             int last_step) {
  TensorReader reader(path);
  TrainingHistory history;
  history.steps = read_steps(reader, last_step);
  const TensorShape validations = length_of(reader, "validation_step");
  history.validations.resize(static_cast<std::size_t>(validations[0]));
  const auto at = reader.take_integers("validation_step", validations);
  const auto losses = reader.take_doubles("validation_loss", validations);
  for (std::size_t i = 0; i < at.size(); ++i) {
    history.validations[i] = {as_step(reader, "validation_step", at[i], last_step), losses[i]};
  }
  history.usage = read_usage(reader, model, last_step);
  reader.refuse_others();
  return history;
}

}  // namespace moesim::model
