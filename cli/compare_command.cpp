// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/progress_line.h"
#include "experiments/compare/point_comparison.h"

namespace moesim::cli {
namespace {

struct CompareOptions {
  std::string a;
  std::string b;
  std::vector<std::string> assignments;
  bool json = false;
};

void compare(const CompareOptions& options) {
  const experiments::Subject a = experiments::read_subject(options.a, {}, "A");
  const experiments::Subject b = experiments::read_subject(options.b, options.assignments, "B");
  auto line = std::make_unique<ProgressLine>(1);
  sim::RunOptions run;
  run.num_threads = base::number_of_cores();
  run.progress = [&line](const sim::Progress& progress) { line->show(0, progress); };
  const experiments::PointComparison comparison = experiments::compare_points(a, b, run);
  line.reset();
  const std::string text = options.json
                               ? to_text(base::to_json(comparison), base::JsonStyle::compact) + "\n"
                               : experiments::comparison_page(comparison);
  std::fputs(text.c_str(), stdout);
}

}  // namespace

void add_compare_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("compare", "What differs between two points, and why one takes longer");
  auto options = std::make_shared<CompareOptions>();
  const char* what = "A run's folder, RUN:POINT (index or id), or an experiment file";
  command->add_option("a", options->a, what)->required();
  command->add_option("b", options->b, what)->required();
  command
      ->add_option("--set", options->assignments,
                   "Set a key of B, which is then an experiment file (repeatable)")
      ->expected(1)
      ->take_all();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options] { compare(*options); });
}

}  // namespace moesim::cli
