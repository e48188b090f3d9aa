// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/progress_line.h"
#include "experiments/compare/explanation.h"

namespace moesim::cli {
namespace {

struct ExplainOptions {
  std::string point;
  std::vector<std::string> assignments;
  bool json = false;
  bool quick = false;
};

void explain(const ExplainOptions& options) {
  const experiments::Subject subject =
      experiments::read_subject(options.point, options.assignments, "RUN");
  auto line = std::make_unique<ProgressLine>(1);
  sim::RunOptions run;
  run.num_threads = base::number_of_cores();
  run.progress = [&line](const sim::Progress& progress) { line->show(0, progress); };
  const experiments::Explanation explanation =
      experiments::explain_point(subject, run, !options.quick);
  line.reset();
  const std::string text =
      options.json ? to_text(base::to_json(explanation), base::JsonStyle::compact) + "\n"
                   : experiments::explanation_page(explanation);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_explain_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("explain", "Why a point takes the time it takes, and what decides it");
  auto options = std::make_shared<ExplainOptions>();
  command
      ->add_option("run", options->point,
                   "A run's folder, RUN:POINT (index or id), or an experiment file")
      ->required();
  command->add_option("--set", options->assignments, "Set a key of an experiment file (repeatable)")
      ->expected(1)
      ->take_all();
  command->add_flag("--quick", options->quick,
                    "Leave out the inputs that it does not hang on: a simulation for each number");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options] { explain(*options); });
}

}  // namespace moesim::cli
