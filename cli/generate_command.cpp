// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>

#include "base/error.h"
#include "cli/commands.h"
#include "model/trained_gpt.h"

namespace moesim::cli {
namespace {

struct GenerateOptions {
  std::string checkpoint;
  std::string prompt = "The ";
  model::GenerationConfig writing;
};

void print_text(const GenerateOptions& options) {
  if (options.prompt.empty()) {
    throw base::Error("--prompt", "there is nothing to write on from", "give at least one byte");
  }
  if (std::isnan(options.writing.temperature)) {
    throw base::Error("--temperature", "it is not a number", "use 0 to 100");
  }
  const model::TrainedGpt gpt(options.checkpoint, 1);
  std::fputs(options.prompt.c_str(), stdout);
  gpt.write_on(options.prompt, options.writing, [](char byte) {
    std::putc(byte, stdout);
    std::fflush(stdout);
  });
  std::putc('\n', stdout);
}

}  // namespace

void add_generate_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("generate", "Let a trained model write on from a prompt");
  auto options = std::make_shared<GenerateOptions>();
  command
      ->add_option("checkpoint", options->checkpoint,
                   "What `train` wrote: a run's folder, its checkpoints, or one of them")
      ->required();
  command->add_option("-p,--prompt", options->prompt, "Text to write on from")
      ->capture_default_str();
  command->add_option("-b,--bytes", options->writing.max_new_bytes, "Bytes to write")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("-t,--temperature", options->writing.temperature,
                   "0 = the likeliest byte each time; 1 = as the model's probabilities are")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command
      ->add_option("--top-k", options->writing.top_k_bytes,
                   "Draw among so many likeliest bytes; 0 = among all")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  command->add_option("--seed", options->writing.seed, "Seed of the draws")->capture_default_str();
  command->callback([options] { print_text(*options); });
}

}  // namespace moesim::cli
