// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "base/json_reader.h"
#include "cli/commands.h"
#include "experiments/experiment.h"
#include "sim/report/result.h"

namespace moesim::cli {
namespace {

struct SchemaOptions {
  bool reference = false;
};

void print_schema(const SchemaOptions& options) {
  std::string text;
  if (options.reference) {
    text = base::reference_markdown<experiments::Experiment>("Experiment file") + "\n" +
           base::reference_markdown<sim::Result>("Result keys");
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
  command->callback([options] { print_schema(*options); });
}

}  // namespace moesim::cli
