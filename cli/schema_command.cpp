// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "base/json_reader.h"
#include "cli/commands.h"
#include "experiments/compare/explanation.h"
#include "experiments/compare/point_comparison.h"
#include "experiments/experiment.h"
#include "experiments/training_file.h"
#include "experiments/training_runner.h"
#include "sim/report/result.h"

namespace moesim::cli {
namespace {

struct SchemaOptions {
  bool reference = false;
  bool training = false;
};

void print_schema(const SchemaOptions& options) {
  std::string text;
  if (options.reference) {
    text = base::reference_markdown<experiments::Experiment>("Experiment file") + "\n" +
           base::reference_markdown<sim::Result>("Result keys") + "\n" +
           base::reference_markdown<experiments::PointComparison>("compare --json") + "\n" +
           base::reference_markdown<experiments::Explanation>("explain --json") + "\n" +
           base::reference_markdown<experiments::TrainingFile>("Training file") + "\n" +
           base::reference_markdown<experiments::TrainingResult>("Training result");
  } else if (options.training) {
    text = base::json_schema<experiments::TrainingFile>("moesim training file");
  } else {
    text = base::json_schema<experiments::Experiment>("moesim experiment");
  }
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_schema_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("schema", "Print the JSON Schema (draft-07) of experiment files");
  auto options = std::make_shared<SchemaOptions>();
  command->add_flag("--reference", options->reference,
                    "Print the reference page of all keys and results, in Markdown, instead");
  command->add_flag("--training", options->training, "Print the schema of training files instead");
  command->callback([options] { print_schema(*options); });
}

}  // namespace moesim::cli
