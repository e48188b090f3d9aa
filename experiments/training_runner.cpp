// SPDX-License-Identifier: Apache-2.0
#include "experiments/training_runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "experiments/build_info.h"
#include "experiments/plots/heat_map.h"
#include "experiments/plots/line_chart.h"
#include "experiments/runs/point_files.h"
#include "experiments/sweep/sweep_values.h"
#include "model/balance/usage_report.h"
#include "model/checkpoint/checkpoint_folder.h"
#include "model/parameter_account.h"
#include "model/train/own_text.h"
#include "model/train/text.h"
#include "model/train/text_parts.h"
#include "model/train/training_run.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

std::vector<std::uint8_t> text_of(const TrainingFile& file) {
  if (file.text.empty()) return model::own_text();
  return model::read_text(
      file.text, model::least_text(file.model.seq_length, file.training.validation_fraction));
}

double mean_of_last_twentieth(const std::vector<model::StepRecord>& steps) {
  const std::size_t count = std::max<std::size_t>(1, steps.size() / 20);
  double sum = 0;
  for (std::size_t i = steps.size() - count; i < steps.size(); ++i) sum += steps[i].loss;
  return sum / static_cast<double>(count);
}

TrainingResult result_of(const TrainingPoint& point, const model::TrainingOutcome& outcome,
                         const model::ExpertUsage& usage) {
  TrainingResult result;
  result.name = point.file.name;
  result.swept = point.swept;
  result.steps = outcome.history.steps.back().step;
  result.training_loss = mean_of_last_twentieth(outcome.history.steps);
  result.validation_loss = outcome.history.validations.back().loss;
  result.validation_bits_per_byte = model::bits_per_byte(result.validation_loss);
  result.unigram_bits_per_byte = outcome.unigram_bits_per_byte;
  result.bigram_bits_per_byte = outcome.bigram_bits_per_byte;
  if (usage.num_layers() > 0) {
    result.max_over_mean_load = 0;
    for (int layer = 0; layer < usage.num_layers(); ++layer) {
      const model::UsageFigures figures = model::usage_figures(usage.total(layer));
      result.drop_rate += figures.drop_rate / usage.num_layers();
      result.max_over_mean_load += figures.load.max_over_mean / usage.num_layers();
      result.dead_experts += figures.dead_experts;
    }
  }
  const model::ParameterAccount account = model::account_parameters(point.file.model);
  result.parameters = account.total();
  result.active_parameters = account.active();
  return result;
}

std::string loss_svg(const TrainingPoint& point, const model::TrainingHistory& history) {
  LineSeries training{"training", {}};
  for (const model::StepRecord& step : history.steps) {
    training.points.push_back({static_cast<double>(step.step), model::bits_per_byte(step.loss)});
  }
  LineSeries validation{"validation", {}};
  for (const model::ValidationRecord& record : history.validations) {
    validation.points.push_back(
        {static_cast<double>(record.step), model::bits_per_byte(record.loss)});
  }
  return line_chart_svg(
      {"Loss of " + point.file.name, "step", "bits per byte", {training, validation}});
}

// The layers' numbers in the model, of its MoE layers.
std::vector<std::string> moe_layer_names(const model::MoeGptConfig& config) {
  std::vector<std::string> names;
  for (const int layer : config.moe_layers()) names.push_back(std::to_string(layer));
  return names;
}

// Of each MoE layer while training, from the history's rows.
std::string load_over_time_svg(const TrainingPoint& point, const model::TrainingHistory& history) {
  LineChart chart{"Busiest expert / mean of " + point.file.name + " while training",
                  "step",
                  "max / mean",
                  {},
                  {}};
  for (const std::string& layer : moe_layer_names(point.file.model)) {
    chart.series.push_back({"layer " + layer, {}});
  }
  for (const model::UsageRow& row : history.usage) {
    for (std::size_t layer = 0; layer < row.layers.size(); ++layer) {
      const model::UsageFigures figures = model::usage_figures(row.layers[layer]);
      chart.series[layer].points.push_back(
          {static_cast<double>(row.last_step), figures.load.max_over_mean});
    }
  }
  return line_chart_svg(chart);
}

}  // namespace

model::ExpertUsage usage_of(const model::MoeGptConfig& config,
                            const std::vector<model::RoutingBatch>& routing) {
  const int layers = config.num_moe_layers();
  model::ExpertUsage usage(layers);
  for (std::size_t i = 0; i < routing.size(); ++i) {
    usage.add(static_cast<int>(i) % layers, routing[i]);
  }
  return usage;
}

std::string expert_load_svg(const std::string& title, const model::MoeGptConfig& config,
                            const model::ExpertUsage& usage) {
  HeatMap map{title, "layer", "expert", moe_layer_names(config), {}, 1};
  for (int layer = 0; layer < usage.num_layers(); ++layer) {
    const std::vector<std::int64_t>& chosen = usage.total(layer).chosen;
    std::int64_t pairs = 0;
    for (const std::int64_t count : chosen) pairs += count;
    std::vector<double>& row = map.values.emplace_back();
    for (const std::int64_t count : chosen) {
      row.push_back(pairs == 0 ? 0
                               : static_cast<double>(count) * static_cast<double>(chosen.size()) /
                                     static_cast<double>(pairs));
    }
  }
  return heat_map_svg(map);
}

void describe(base::FieldTable& table, TrainingResult& result) {
  table.title("training result", "What a trained model comes to.");
  table.field("name", result.name, "The file's.");
  table.field("swept", result.swept, "Swept keys and their values at this point.");
  table.field("steps", result.steps, "Optimizer steps.");
  table.field("training_loss", result.training_loss,
              "Mean cross entropy over the last twentieth of the steps, nats per byte.");
  table.field("validation_loss", result.validation_loss,
              "Mean cross entropy on held-out windows, nats per byte.");
  table.field("validation_bits_per_byte", result.validation_bits_per_byte,
              "validation_loss / ln 2.");
  table.field("unigram_bits_per_byte", result.unigram_bits_per_byte,
              "Byte frequencies of the training part, on the held-out part.");
  table.field("bigram_bits_per_byte", result.bigram_bits_per_byte,
              "Frequencies of byte pairs, likewise.");
  table.field("drop_rate", result.drop_rate, "Dropped share of pairs on the held-out windows.");
  table.field("max_over_mean_load", result.max_over_mean_load,
              "Busiest expert over the mean, on the same windows, mean over layers.");
  table.field("dead_experts", result.dead_experts, "Experts never chosen there, all layers.");
  table.field("parameters", result.parameters, "All parameters.");
  table.field("active_parameters", result.active_parameters, "Those that one token uses.");
}

fs::path training_folder(const TrainingRunnerOptions& options,
                         std::span<const TrainingPoint> points, std::size_t index) {
  if (points.size() == 1) return options.folder;
  return options.folder / fmt::format("{:04}-{}", index, as_file_name(points[index].label));
}

namespace {

model::TrainingOutcome train(const TrainingPoint& point, const model::RunOptions& run) {
  try {
    return model::run_training({point.file.text, point.file.model, point.file.training},
                               text_of(point.file), run);
  } catch (const base::Error& error) {
    throw placed_error(point, error);
  }
}

constexpr const char* kProvenance = "provenance.json";

// What computes the run in the folder: before, if it goes on, and now. Throws base::Error where
// that is in another arithmetic than before.
BackendRecord backend_of_run(const fs::path& folder, const TrainingRunnerOptions& options) {
  std::error_code unknown;
  const bool goes_on = options.resume && model::holds_checkpoint(folder / "checkpoints");
  // An edited model has checkpoints alone: it is trained on in any arithmetic.
  if (!goes_on || !fs::exists(folder / kProvenance, unknown)) return options.backend;
  BackendRecord record = backend_record_in(base::read_json_file(folder / kProvenance));
  if (record.arithmetic != options.backend.arithmetic) {
    throw base::Error(
        folder.string(),
        "the run was begun in " + arithmetic_in_words(record.arithmetic) + ", and this would be " +
            arithmetic_in_words(options.backend.arithmetic),
        "go on with " + backend_flag(record.arithmetic) + ", or train in another folder");
  }
  add_backends(record, options.backend);
  return record;
}

// What the result is made by, which is no part of it.
std::string provenance_text(const BackendRecord& backend) {
  base::JsonValue json = base::json_object();
  base::add_member(json, "moesim", base::json_of(build_version()));
  base::add_member(json, "commit", base::json_of(build_commit()));
  add_members(json, backend);
  return base::to_text(json) + "\n";
}

void write_pictures(const fs::path& folder, const TrainingPoint& point,
                    const model::TrainingHistory& history, const model::ExpertUsage& usage) {
  write_file(folder / "loss.svg", loss_svg(point, history));
  if (usage.num_layers() == 0) return;
  write_file(folder / "expert_load.svg",
             expert_load_svg("Expert load / mean of " + point.file.name, point.file.model, usage));
  write_file(folder / "load_over_time.svg", load_over_time_svg(point, history));
  write_file(folder / "load_balancing.txt",
             model::load_balancing_report(usage, {point.file.model.moe_layers()}));
}

}  // namespace

std::optional<TrainingResult> train_point(std::span<const TrainingPoint> points, std::size_t index,
                                          const TrainingRunnerOptions& options) {
  const TrainingPoint& point = points[index];
  model::RunOptions run;
  run.folder = training_folder(options, points, index);
  run.threads = options.threads;
  run.device = options.device;
  run.resume = options.resume;
  run.stop = options.stop;
  const BackendRecord backend = backend_of_run(run.folder, options);
  run.begun = [&] { write_file(run.folder / kProvenance, provenance_text(backend)); };
  if (options.progress) {
    run.progress = [&](const model::StepReport& report, std::optional<double> validation_loss) {
      options.progress(point, report.record, validation_loss);
    };
  }
  const model::TrainingOutcome outcome = train(point, run);
  if (!outcome.finished) return std::nullopt;
  const model::ExpertUsage usage = usage_of(point.file.model, outcome.validation_routing);
  const TrainingResult result = result_of(point, outcome, usage);
  write_pictures(run.folder, point, outcome.history, usage);
  write_file(run.folder / "result.json", base::write_json(result));
  return result;
}

namespace {

std::string lone_summary(const TrainingResult& r) {
  return fmt::format(
      "{}\n"
      "  validation            {:>10.3f} bits/byte ({:.4f} nats)   after {} steps\n"
      "  unigram, bigram       {:>10.3f} and {:.3f} bits/byte on the same text\n"
      "  expert load, max/mean {:>10.3f}   {} expert{} never chosen\n"
      "  drop rate             {:>10.2f} %\n"
      "  parameters            {:>10} of which a token uses {}\n",
      r.name, r.validation_bits_per_byte, r.validation_loss, r.steps, r.unigram_bits_per_byte,
      r.bigram_bits_per_byte, r.max_over_mean_load, r.dead_experts, r.dead_experts == 1 ? "" : "s",
      r.drop_rate * 100, r.parameters, r.active_parameters);
}

// "model.router.capacity_factor" -> "capacity_factor".
std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

// The same as values_text for a chart's legend.
std::string short_values_text(const std::map<std::string, base::JsonValue>& swept) {
  std::string text;
  for (const auto& [key, value] : swept) {
    text += (text.empty() ? "" : ", ") + last_part(key) + " " +
            base::to_text(value, base::JsonStyle::compact);
  }
  return text;
}

std::string values_text(const std::map<std::string, base::JsonValue>& swept) {
  std::string text;
  for (const auto& [key, value] : swept) {
    text += (text.empty() ? "" : ",") + key + "=" + base::to_text(value, base::JsonStyle::compact);
  }
  return text;
}

}  // namespace

std::string training_summary(std::span<const TrainingResult> results) {
  if (results.size() == 1) return lone_summary(results.front());
  std::string text = fmt::format("{}\n{:>5} {:>10} {:>9} {:>9} {:>8}  {}\n", results.front().name,
                                 "point", "bits/byte", "drops %", "max/mean", "active", "swept");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const TrainingResult& r = results[i];
    text += fmt::format("{:>5} {:>10.4f} {:>9.2f} {:>9.3f} {:>8}  {}\n", i,
                        r.validation_bits_per_byte, r.drop_rate * 100, r.max_over_mean_load,
                        r.active_parameters, values_text(r.swept));
  }
  return text;
}

std::string training_comparison_svg(std::span<const TrainingPoint> points,
                                    std::span<const TrainingResult> results) {
  const std::string& axis = points.front().axes.front();
  LineChart chart{
      "Validation loss of " + points.front().file.name, last_part(axis), "bits per byte", {}, {}};
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::map<std::string, base::JsonValue> others = results[i].swept;
    const std::string value = base::to_text(others.at(axis), base::JsonStyle::compact);
    others.erase(axis);
    auto name = std::find(chart.x_names.begin(), chart.x_names.end(), value);
    if (name == chart.x_names.end()) name = chart.x_names.insert(name, value);
    const std::string line = short_values_text(others);
    auto series = std::find_if(chart.series.begin(), chart.series.end(),
                               [&](const LineSeries& s) { return s.name == line; });
    if (series == chart.series.end()) series = chart.series.insert(series, {line, {}});
    series->points.push_back(
        {static_cast<double>(name - chart.x_names.begin()), results[i].validation_bits_per_byte});
  }
  return line_chart_svg(chart);
}

}  // namespace moesim::experiments
