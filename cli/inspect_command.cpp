// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "experiments/runs/point_files.h"
#include "experiments/training_runner.h"
#include "model/balance/usage_report.h"
#include "model/cuda/backend_choice.h"
#include "model/parameter_account.h"
#include "model/train/own_text.h"
#include "model/train/text.h"
#include "model/trained_gpt.h"

namespace moesim::cli {
namespace {

struct InspectOptions {
  std::string checkpoint;
  std::string text;  // "": the program's own
  int windows = 32;
  std::string svg;
  std::string capture;
  int layer = 0;
  std::string backend = "cpu";
};

double percent(std::int64_t part, std::int64_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string account_text(const model::TrainedGpt& gpt) {
  const model::MoeGptConfig& config = gpt.config();
  const model::ParameterAccount account = model::account_parameters(config);
  const std::pair<const char*, std::int64_t> parts[] = {{"embedding and head", account.embedding},
                                                        {"attention", account.attention},
                                                        {"norms", account.norms},
                                                        {"routers", account.router},
                                                        {"routed experts", account.routed_experts},
                                                        {"shared experts", account.shared_experts},
                                                        {"dense feed-forward", account.dense_ffn}};
  std::string text = fmt::format("trained for {} steps; {} layers, hidden {}, {} experts, top-{}\n",
                                 gpt.steps(), config.num_hidden_layers, config.hidden_size,
                                 config.router.num_experts, config.router.top_k);
  for (const auto& [name, count] : parts) {
    if (count == 0) continue;
    text +=
        fmt::format("  {:<20} {:>12}  {:>5.1f} %\n", name, count, percent(count, account.total()));
  }
  text +=
      fmt::format("  {:<20} {:>12}  {:.2f} MB in fp32\n  {:<20} {:>12}  {:>5.1f} %\n", "parameters",
                  account.total(), static_cast<double>(account.bytes(4)) / 1e6, "active per token",
                  account.active(), percent(account.active(), account.total()));
  if (!config.use_moe) return text;
  return text +
         fmt::format("  a dense model of equal active FLOPs has an intermediate_size of {}\n",
                     model::dense_counterpart(config).intermediate_size);
}

bool is_safetensors(const std::string& file) { return file.ends_with(".safetensors"); }

// Before anything is printed or written.
void check_capture(const InspectOptions& options, const model::MoeGptConfig& config) {
  if (options.capture.empty()) return;
  if (!options.capture.ends_with(".json") && !is_safetensors(options.capture)) {
    throw base::Error("--capture", "\"" + options.capture + "\" is neither JSON nor safetensors",
                      "end the name in .json or .safetensors");
  }
  if (options.layer < config.num_hidden_layers && config.is_moe_layer(options.layer)) return;
  std::string layers;
  for (int layer = 0; layer < config.num_hidden_layers; ++layer) {
    if (config.is_moe_layer(layer)) layers += (layers.empty() ? "" : ", ") + std::to_string(layer);
  }
  throw base::Error(
      "--layer", std::to_string(options.layer) + " is not a MoE layer of this model",
      layers.empty() ? "the model is dense; leave --capture out" : "its MoE layers are " + layers);
}

std::vector<std::uint8_t> text_of(const InspectOptions& options, int seq_length) {
  const std::size_t least = static_cast<std::size_t>(seq_length) + 1;
  if (!options.text.empty()) return model::read_text(options.text, least);
  std::vector<std::uint8_t> text = model::own_text();
  if (text.size() >= least) return text;
  throw base::Error("--text",
                    "the program's own text has " + std::to_string(text.size()) +
                        " bytes, and the model's window needs " + std::to_string(least),
                    "name a longer text");
}

void write_captured(const InspectOptions& options, const model::TrainedGpt& gpt,
                    std::span<const std::uint8_t> text) {
  const std::string head(text.begin(),
                         text.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                            text.size(), gpt.config().seq_length)));
  if (is_safetensors(options.capture)) {
    gpt.write_capture_tensors(options.capture, head, options.layer);
  } else {
    experiments::write_file(options.capture, gpt.capture_text(head, options.layer));
  }
  std::printf("layer %d's data on the first %zu bytes in %s\n", options.layer, head.size(),
              options.capture.c_str());
}

void inspect(const InspectOptions& options) {
  const model::cuda::BackendChoice backend = model::cuda::choose_backend(options.backend);
  const model::TrainedGpt gpt(options.checkpoint, 1, backend.device.get());
  const model::MoeGptConfig& config = gpt.config();
  check_capture(options, config);
  const std::vector<std::uint8_t> text = text_of(options, config.seq_length);
  std::fputs(account_text(gpt).c_str(), stdout);
  const model::TextJudgement judgement = gpt.judge(text, options.windows);
  std::printf("loss on at most %d windows of the text: %.4f nats, %.3f bits/byte\n",
              options.windows, judgement.loss, model::bits_per_byte(judgement.loss));
  const model::ExpertUsage usage = experiments::usage_of(config, judgement.routing);
  if (usage.num_layers() > 0) {
    std::fputs(model::load_balancing_report(usage, {config.moe_layers()}).c_str(), stdout);
  }
  if (!options.svg.empty()) {
    experiments::write_file(options.svg,
                            experiments::expert_load_svg("Expert load / mean", config, usage));
  }
  if (!options.capture.empty()) write_captured(options, gpt, text);
}

}  // namespace

void add_inspect_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("inspect", "Show what a trained model is and how it routes a text");
  auto options = std::make_shared<InspectOptions>();
  command
      ->add_option("checkpoint", options->checkpoint,
                   "What `train` wrote: a run's folder, its checkpoints, or one of them")
      ->required();
  command->add_option("--text", options->text,
                      "Text file or folder to route (default: the program's own text)");
  command->add_option("--windows", options->windows, "Windows of the text to look at")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--backend", options->backend,
                      "What multiplies: cpu (default), cuda, or auto: cuda where it is there");
  command->add_option("--svg", options->svg, "File for the heat map of the experts' load");
  CLI::Option* capture = command->add_option(
      "--capture", options->capture,
      "File for a layer's intermediate data on the text's first window (.json or .safetensors)");
  command->add_option("--layer", options->layer, "The layer to capture, counted from 0")
      ->check(CLI::Range(0, 100'000))
      ->needs(capture)
      ->capture_default_str();
  command->callback([options] { inspect(*options); });
}

}  // namespace moesim::cli
