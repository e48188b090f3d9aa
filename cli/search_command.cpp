// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/runner_flags.h"
#include "experiments/runs/transport.h"
#include "experiments/search/search.h"
#include "experiments/search/search_page.h"
#include "experiments/sweep/axes.h"

namespace moesim::cli {
namespace {

struct SearchCommandOptions {
  std::string file;
  std::vector<std::string> assignments;
  std::vector<std::string> axes;
  std::vector<std::string> objectives;
  std::vector<std::string> constraints;
  std::string output = "runs";
  double budget = 0.2;
  int winners = 3;
  RunnerFlags runner;
  bool check = false;
  bool fresh = false;
  bool retry_failed = false;
  bool json = false;
  std::vector<std::string> arguments;
};

experiments::Sweep read_sweep(const SearchCommandOptions& options) {
  base::JsonValue document = experiments::read_document(options.file, options.assignments);
  for (const std::string& axis : options.axes) experiments::add_axis(document, axis);
  for (const std::string& objective : options.objectives) {
    experiments::add_objective(document, objective);
  }
  for (const std::string& constraint : options.constraints) {
    experiments::add_constraint(document, constraint);
  }
  return experiments::expand(document);
}

experiments::SearchOptions search_options(const SearchCommandOptions& options,
                                          std::unique_ptr<ProgressLine>& line) {
  if (options.output.empty()) {
    throw base::Error("--output", "the folder for results has no name", "write --output runs");
  }
  experiments::SearchOptions search;
  search.runner = read_runner_flags(options.runner);
  search.runner.progress = [&line](std::size_t finished, const sim::Progress& progress) {
    line->show(finished, progress);
  };
  search.experiment_file = options.file;
  search.output = options.output;
  search.command = quoted(options.arguments);
  search.backend = backend_record(options.runner);
  if (!(options.budget > 0 && options.budget <= 1)) {
    throw base::Error("--budget", "must be above 0 and at most 1", "write --budget 0.2");
  }
  search.budget = options.budget;
  search.winners = static_cast<std::size_t>(options.winners);
  search.check = options.check;
  search.fresh = options.fresh;
  search.retry_failed = options.retry_failed;
  search.begin_rung = [&line](const std::string& rung, std::size_t points) {
    line.reset();
    std::fprintf(stderr, "%s: %zu points\n", rung.c_str(), points);
    line = std::make_unique<ProgressLine>(points);
  };
  return search;
}

int search(const SearchCommandOptions& options) {
  if (experiments::launched_processes() > 1) {
    throw base::Error("mpirun", "a search is of one process, which starts its own workers",
                      "call moesim search without it; moesim run runs a sweep under mpirun");
  }
  const experiments::Sweep sweep = read_sweep(options);
  std::unique_ptr<ProgressLine> line;
  const experiments::SearchOptions search = search_options(options, line);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is an error to report
  note_interrupts();
  const experiments::SearchOutcome outcome = experiments::search(sweep, search);
  line.reset();
  if (outcome.interrupted) {
    std::fprintf(stderr, "moesim: interrupted; the same command goes on where this one stopped\n");
    return kInterrupted;
  }
  const std::string folder = outcome.full.folder.string();
  if (options.json) {
    std::printf("%s\n", base::to_text(search_json(sweep, outcome)).c_str());
  } else {
    std::fputs(search_text(sweep, outcome).c_str(), stdout);
    std::printf("\nresults in %s\n", folder.c_str());
  }
  if (outcome.our_bug) return kOurBug;
  const bool has_missed = outcome.check && outcome.check->has_missed();
  return has_missed || outcome.failed() > 0 ? kSomeFailed : 0;
}

}  // namespace

void add_search_command(CLI::App& app, int& exit_code, std::vector<std::string> arguments) {
  CLI::App* command =
      app.add_subcommand("search", "Find a sweep's best points without running all of it");
  auto options = std::make_shared<SearchCommandOptions>();
  options->arguments = std::move(arguments);
  const auto repeatable = [&](const char* name, std::vector<std::string>& values,
                              const char* text) {
    command->add_option(name, values, text)->expected(1)->take_all();
  };
  command->add_option("file", options->file, "Experiment file with a sweep")->required();
  repeatable("--set", options->assignments,
             "Set a key: --set router.capacity_factor=1.25 (repeatable)");
  repeatable("--sweep", options->axes,
             "Sweep a key: --sweep router.capacity_factor=1,1.25,null (repeatable)");
  repeatable("--objective", options->objectives,
             "A figure that is to be high or low: --objective drop_rate=min (repeatable)");
  repeatable("--constraint", options->constraints,
             "A figure's bound: --constraint \"drop_rate<=0.02\" (repeatable)");
  command
      ->add_option("--budget", options->budget, "Share of the grid's points that may run in full")
      ->capture_default_str();
  command
      ->add_option("--winners", options->winners,
                   "Configurations that run once more at fidelity flow, each for 60 s at most "
                   "where --time-limit says nothing; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "Folder for results")->capture_default_str();
  add_runner_flags(*command, options->runner);
  command->add_flag("--check", options->check,
                    "Run the rest of the grid too and say whether its best was found (exit 1: no)");
  command->add_flag("--fresh", options->fresh, "Start anew, also where an earlier run can go on");
  command->add_flag("--retry-failed", options->retry_failed,
                    "Run points that failed in an earlier search again");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &exit_code] { exit_code = search(*options); });
}

}  // namespace moesim::cli
