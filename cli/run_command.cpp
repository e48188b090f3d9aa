// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "experiments/report/report_page.h"
#include "experiments/runs/runner.h"
#include "sim/report/summary.h"

namespace moesim::cli {
namespace {

using experiments::Point;

constexpr int kSomeFailed = 1;
constexpr int kInterrupted = 3;
constexpr int kOurBug = 70;

struct RunCommandOptions {
  std::string file;
  std::vector<std::string> assignments;
  std::string output = "runs";
  int workers = 0;  // 0: as many as there are cores
  std::optional<std::string> time_limit;
  bool dry_run = false;
  bool json = false;
  std::vector<std::string> arguments;
};

// What the point will be, or why it cannot be.
std::string dry_run_text(const experiments::Sweep& sweep, const Point& point) {
  std::string text = fmt::format("{:04} {} {}\n", point.index, point.id, point.label);
  try {
    const experiments::ReadPoint read = read_point(sweep, point);
    const sim::Scenario& scenario = read.experiment.scenario;
    const sim::Sizes sizes = sim::validate(scenario);
    text += fmt::format(
        "     {} accelerators, {} group{} of {}, {} micro-batch{} of {} tokens a rank, {} of {} "
        "layers MoE\n",
        sizes.num_ranks, sizes.num_groups, sizes.num_groups == 1 ? "" : "s", sizes.expert_parallel,
        sizes.num_micro_batches, sizes.num_micro_batches == 1 ? "" : "es", sizes.tokens_per_rank,
        scenario.model.num_moe_layers(), scenario.model.num_hidden_layers);
    for (const std::string& warning : read.warnings) text += "     warning: " + warning + "\n";
  } catch (const base::Error& error) {
    text += "     skipped: " + error.where() + ": " + error.message() + "\n";
  }
  return text;
}

void print_dry_run(const experiments::Sweep& sweep) {
  std::printf("%s: %zu point%s\n", sweep.name.c_str(), sweep.points.size(),
              sweep.is_lone() ? "" : "s");
  if (!sweep.question.empty()) std::printf("question: %s\n", sweep.question.c_str());
  for (const Point& point : sweep.points) std::fputs(dry_run_text(sweep, point).c_str(), stdout);
}

void print_results(const RunCommandOptions& options, const experiments::RunnerOutcome& outcome) {
  std::vector<sim::Result> results;
  for (const std::string& row : outcome.results) {
    if (row.empty()) continue;
    if (options.json) {
      std::printf("%s\n", row.c_str());
      continue;
    }
    base::ReadReport report;
    base::read_json(base::parse_json(row, "result"), results.emplace_back(), report);
  }
  if (options.json || results.empty()) return;
  const bool lone = outcome.results.size() == 1;
  if (lone && results.front().status != "ok") {
    std::printf("%s\n  %s: %s\n\n", results.front().scenario.name.c_str(),
                results.front().status.c_str(), results.front().reason.c_str());
  } else if (lone) {
    std::printf("%s\n", sim::summary_text(results.front()).c_str());
  } else {
    std::printf("%s\n%s\n", results.front().scenario.name.c_str(),
                sim::comparison_text(results).c_str());
  }
}

base::Seconds parse_time_limit(const std::string& text) {
  const std::string hint = "write --time-limit \"90 s\", \"5 min\" or \"2 h\"";
  try {
    const base::Seconds limit = base::parse_seconds(text);
    if (limit.value > 0) return limit;
  } catch (const base::Error& error) {
    throw base::Error("--time-limit", error.message(), hint);
  }
  throw base::Error("--time-limit", "must be above 0; found \"" + text + "\"", hint);
}

experiments::RunnerOptions runner_options(const RunCommandOptions& options, ProgressLine& line) {
  experiments::RunnerOptions runner;
  const int cores = base::number_of_cores();
  runner.workers = options.workers > 0 ? options.workers : cores;
  if (options.time_limit) runner.time_limit = parse_time_limit(*options.time_limit);
  runner.interrupted = &interrupted();
  runner.progress = [&line](std::size_t finished, const sim::Progress& progress) {
    line.show(finished, progress);
  };
  return runner;
}

int run(const RunCommandOptions& options) {
  if (options.output.empty()) {
    throw base::Error("--output", "the folder for results has no name", "write --output runs");
  }
  const base::JsonValue document = experiments::read_document(options.file, options.assignments);
  const experiments::Sweep sweep = experiments::expand(document);
  if (options.dry_run) {
    print_dry_run(sweep);
    return 0;
  }
  if (sweep.wants_report) experiments::require_page();
  auto line = std::make_unique<ProgressLine>(sweep.points.size());
  const experiments::RunnerOptions runner = runner_options(options, *line);
  experiments::RunDirectory directory(options.output, sweep, options.file,
                                      quoted(options.arguments));
  note_interrupts();
  experiments::RunnerOutcome outcome;
  try {
    outcome = experiments::run_points(sweep, directory, runner);
  } catch (...) {
    // A lone point's fault leaves nothing behind; finished points are never thrown away.
    if (sweep.is_lone()) {
      directory.discard();
    } else {
      directory.finish("stopped by an error");
    }
    throw;
  }
  line.reset();
  print_results(options, outcome);
  directory.finish(outcome.interrupted  ? "interrupted"
                   : outcome.failed > 0 ? "points failed"
                                        : "complete");
  if (sweep.wants_report) {
    const std::string page = experiments::write_report(directory.path(), "", "").string();
    std::fprintf(options.json ? stderr : stdout, "report in %s\n", page.c_str());
  }
  std::fprintf(options.json ? stderr : stdout, "results in %s\n", directory.path().c_str());
  if (outcome.interrupted) {
    const auto missing = std::count(outcome.results.begin(), outcome.results.end(), std::string());
    std::fprintf(stderr, "moesim: interrupted, %zu of %zu points are missing\n",
                 static_cast<std::size_t>(missing), sweep.points.size());
    return kInterrupted;
  }
  if (outcome.our_bug) return kOurBug;
  return outcome.failed > 0 ? kSomeFailed : 0;
}

}  // namespace

void add_run_command(CLI::App& app, int& exit_code, std::vector<std::string> arguments) {
  CLI::App* command = app.add_subcommand("run", "Simulate an experiment: one point or a sweep");
  auto options = std::make_shared<RunCommandOptions>();
  options->arguments = std::move(arguments);
  command->add_option("file", options->file, "Experiment file (JSON, comments allowed)")
      ->required();
  command
      ->add_option("--set", options->assignments,
                   "Set a key: --set router.capacity_factor=1.25 (repeatable)")
      ->expected(1)
      ->take_all();
  command->add_option("-o,--output", options->output, "Folder for results")->capture_default_str();
  command
      ->add_option("-j,--jobs", options->workers,
                   "Worker processes (default: all cores); a lone point uses as many threads")
      ->check(CLI::Range(1, 1024));
  command->add_option("--time-limit", options->time_limit,
                      "Wall time after which a point is stopped: \"90 s\"");
  command->add_flag("-n,--dry-run", options->dry_run, "List the points and stop");
  command->add_flag("--json", options->json, "Print one JSON object per point, one a line");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace moesim::cli
