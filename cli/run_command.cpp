// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "base/error.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/interrupt.h"
#include "cli/progress_line.h"
#include "cli/runner_flags.h"
#include "experiments/report/report_page.h"
#include "experiments/runs/first_point.h"
#include "experiments/runs/resume.h"
#include "experiments/runs/runner.h"
#include "experiments/runs/shard.h"
#include "experiments/runs/shared_desk.h"
#include "experiments/sweep/axes.h"
#include "sim/report/summary.h"

namespace moesim::cli {
namespace {

using experiments::Point;

constexpr base::Seconds kLongestEstimate(60);
constexpr int kPollUnderMpi = 2;

struct RunCommandOptions {
  std::string file;
  std::vector<std::string> assignments;
  std::vector<std::string> axes;
  std::string output = "runs";
  RunnerFlags runner;
  bool fail_fast = false;
  std::string resume;  // the folder of the run to go on with; "": the newest unfinished one
  bool fresh = false;  // a new run, whatever there is
  std::string shard;
  bool retry_failed = false;  // failed points run again
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
    for (const base::ReadWarning& warning : read.warnings) {
      text += "     warning: " + base::placed_text(warning) + "\n";
    }
  } catch (const base::Error& error) {
    text += "     skipped: " + error.where() + ": " + error.message() + "\n";
  }
  return text;
}

std::string duration_text(base::Seconds duration) {
  if (duration.value < 120) return fmt::format("{:.2g} s", duration.value);
  if (duration.value < 7200) return fmt::format("{:.0f} min", duration.value / 60);
  return fmt::format("{:.1f} h", duration.value / 3600);
}

// What the whole sweep will take if its points are like the first.
void print_cost(const experiments::Sweep& sweep, int workers) {
  const auto cost = experiments::cost_of_first_point(sweep, kLongestEstimate);
  if (!cost) {
    std::printf("estimate: the first point takes more than %s\n",
                base::to_text(kLongestEstimate).c_str());
    return;
  }
  const auto excluded = std::count_if(sweep.points.begin(), sweep.points.end(),
                                      [](const Point& point) { return !point.excluded.empty(); });
  const double points = static_cast<double>(sweep.points.size()) - static_cast<double>(excluded);
  std::printf(
      "estimate: the first point takes %s and %.0f MB; %.0f points like it on %d worker%s about %s "
      "and %.0f MB at a time\n",
      duration_text(cost->wall).c_str(), cost->memory.value / 1e6, points, workers,
      workers == 1 ? "" : "s", duration_text(std::ceil(points / workers) * cost->wall).c_str(),
      workers * cost->memory.value / 1e6);
}

void print_dry_run(const experiments::Sweep& sweep, int workers) {
  std::printf("%s: %zu point%s\n", sweep.name.c_str(), sweep.points.size(),
              sweep.is_lone() ? "" : "s");
  if (!sweep.question.empty()) std::printf("question: %s\n", sweep.question.c_str());
  for (const Point& point : sweep.points) std::fputs(dry_run_text(sweep, point).c_str(), stdout);
  if (!sweep.is_lone()) print_cost(sweep, workers);
}

constexpr std::size_t kMostPrinted = 1000;

// Many points are no page to read.
void print_counts(const experiments::Sweep& sweep, const experiments::Journal& journal) {
  std::map<std::string, std::size_t> counts;
  for (const experiments::JournalRow& row : journal.rows()) ++counts[row.status];
  std::string text;
  for (const auto& [status, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, status);
  }
  std::printf("%s: %s\nto see them: moesim results %s\n", sweep.name.c_str(), text.c_str(),
              quoted({journal.path().parent_path().string()}).c_str());
}

void print_results(const RunCommandOptions& options, const experiments::Sweep& sweep,
                   const experiments::Journal& journal) {
  if (!options.json && journal.rows().size() > kMostPrinted) return print_counts(sweep, journal);
  std::vector<sim::Result> results;
  for (const experiments::JournalRow& row : journal.rows()) {
    const std::string text = journal.text_of(row);
    if (options.json) {
      std::printf("%s\n", text.c_str());
      continue;
    }
    base::ReadReport report;
    base::read_json(base::parse_json(text, "result"), results.emplace_back(), report);
  }
  if (options.json || results.empty()) return;
  if (sweep.is_lone() && results.front().status != "ok") {
    std::printf("%s\n  %s: %s\n\n", results.front().scenario.name.c_str(),
                results.front().status.c_str(), results.front().reason.c_str());
  } else if (sweep.is_lone()) {
    std::printf("%s\n", sim::summary_text(results.front()).c_str());
  } else {
    std::printf("%s\n%s\n", results.front().scenario.name.c_str(),
                sim::comparison_text(results).c_str());
  }
}

experiments::RunnerOptions runner_options(const RunCommandOptions& options,
                                          const std::unique_ptr<ProgressLine>& line) {
  experiments::RunnerOptions runner = read_runner_flags(options.runner);
  runner.fail_fast = options.fail_fast;
  runner.progress = [&line](std::size_t finished, const sim::Progress& progress) {
    line->show(finished, progress);
  };
  return runner;
}

experiments::Shard shard_of(const RunCommandOptions& options) {
  return options.shard.empty() ? experiments::Shard{} : experiments::parse_shard(options.shard);
}

void check_options(const RunCommandOptions& options, const experiments::Sweep& sweep) {
  if (options.output.empty()) {
    throw base::Error("--output", "the folder for results has no name", "write --output runs");
  }
  if (!options.resume.empty() && options.fresh) {
    throw base::Error("--fresh", "starts a new run, and --resume goes on with one",
                      "leave one out");
  }
  if (!options.resume.empty() && sweep.is_lone()) {
    throw base::Error("--resume", "only sweeps are resumed, and this is one point",
                      "run it again without --resume");
  }
  const experiments::Shard shard = shard_of(options);
  if (!shard.is_whole() && sweep.is_lone()) {
    throw base::Error("--shard", "only sweeps are divided, and this is one point",
                      "run it without --shard");
  }
  if (shard.number > sweep.points.size()) {
    std::fprintf(stderr, "moesim: of the sweep's %zu points none is in part %s\n",
                 sweep.points.size(), to_text(shard).c_str());
  }
}

// The run to go on with, "" for a new one.
std::filesystem::path run_to_resume(const RunCommandOptions& options,
                                    const experiments::ResumeRequest& request) {
  if (!options.resume.empty() || options.fresh || request.sweep.is_lone()) return options.resume;
  const auto found = experiments::find_run(options.output, request);
  if (!found) return {};
  if (found->obstacle.empty()) return found->folder;
  std::fprintf(stderr, "moesim: %s is unfinished, but %s: a new run begins\n",
               found->folder.c_str(), found->obstacle.c_str());
  return {};
}

experiments::RunDirectory open_directory(const RunCommandOptions& options,
                                         const experiments::Sweep& sweep,
                                         const experiments::BackendRecord& backend) {
  experiments::ResumeRequest request{sweep, options.file, quoted(options.arguments),
                                     to_text(shard_of(options)), options.retry_failed};
  request.backend = backend;
  const std::filesystem::path folder = run_to_resume(options, request);
  if (folder.empty()) {
    experiments::RunManifest manifest = experiments::new_manifest(sweep, request.command);
    manifest.shard = request.shard;
    manifest.backend = backend;
    return {options.output, manifest, options.file};
  }
  experiments::ResumedRun resumed = experiments::resume_run(folder, request);
  const std::size_t there = resumed.directory.journal().rows().size();
  std::fprintf(stderr, "resuming %s: %zu of %zu points are there\n", folder.c_str(), there,
               there + resumed.directory.missing_points().size());
  if (resumed.dropped > 0) {
    std::fprintf(stderr, "%zu points that the sweep no longer has are dropped\n", resumed.dropped);
  }
  return std::move(resumed.directory);
}

// Runs the points; a fault that ends all of them leaves what is recorded.
experiments::RunnerOutcome run_into(experiments::RunDirectory& directory,
                                    const experiments::Sweep& sweep,
                                    const experiments::RunnerOptions& runner,
                                    experiments::Crew& crew) {
  try {
    if (crew.transport() == nullptr) {
      experiments::DirectoryDesk desk(directory);
      return experiments::run_points(sweep, desk, runner);
    }
    experiments::GivingDesk desk(sweep, directory, crew.employ(), runner.fail_fast);
    return experiments::run_points(sweep, desk, runner);
  } catch (...) {
    if (sweep.is_lone()) {
      directory.discard();
      throw;
    }
    try {
      directory.finish("stopped by an error");
    } catch (const base::Error&) {  // the disk takes nothing more: the first error says why
    }
    throw;
  }
}

// The command that goes on with the run.
std::string resuming_command(const RunCommandOptions& options, const std::string& folder) {
  std::vector<std::string> arguments;
  for (std::size_t i = 0; i < options.arguments.size(); ++i) {
    const std::string& argument = options.arguments[i];
    if (argument == "--fresh" || argument == "--retry-failed") continue;
    if (argument.starts_with("--resume=")) continue;
    if (argument == "--resume") {
      ++i;  // and its value
      continue;
    }
    arguments.push_back(argument);
  }
  arguments.insert(arguments.end(), {"--resume", folder});
  return quoted(arguments);
}

void report_missing(const RunCommandOptions& options, const experiments::Sweep& sweep,
                    const experiments::RunDirectory& directory, const char* why) {
  const std::size_t missing = directory.missing_points().size();
  std::fprintf(stderr, "moesim: %s, %zu of %zu points are missing\n", why, missing,
               directory.journal().rows().size() + missing);
  if (sweep.is_lone()) return;
  std::fprintf(stderr, "to go on: %s\n", resuming_command(options, directory.path()).c_str());
}

experiments::Sweep read_sweep(const RunCommandOptions& options) {
  base::JsonValue document = experiments::read_document(options.file, options.assignments);
  for (const std::string& axis : options.axes) experiments::add_axis(document, axis);
  experiments::Sweep sweep = experiments::expand(document);
  check_options(options, sweep);
  return sweep;
}

// A process that MPI started beside the one with the run directory: it says nothing, since that one
// meets the same errors and says them.
int help(const RunCommandOptions& options, experiments::Transport& transport) {
  experiments::AskingDesk desk(transport);
  try {
    const experiments::Sweep sweep = read_sweep(options);
    std::unique_ptr<ProgressLine> line;
    experiments::RunnerOptions runner = runner_options(options, line);
    runner.workers = std::max(options.runner.workers, 1);
    runner.poll_milliseconds = kPollUnderMpi;
    runner.progress = nullptr;
    note_interrupts();
    experiments::run_points(sweep, desk, runner);
    return 0;
  } catch (const base::Error&) {
    return kUserError;
  }
}

int lead(const RunCommandOptions& options, experiments::Crew& crew) {
  const experiments::Sweep sweep = read_sweep(options);
  if (options.dry_run) {
    print_dry_run(sweep, number_of_workers(options.runner));
    return 0;
  }
  std::unique_ptr<ProgressLine> line;
  experiments::RunnerOptions runner = runner_options(options, line);
  if (crew.transport() != nullptr) {
    runner.workers = std::max(options.runner.workers, 1);
    runner.poll_milliseconds = kPollUnderMpi;
  }
  if (sweep.wants_report) experiments::require_page();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is an error to report
  note_interrupts();
  experiments::RunDirectory directory =
      open_directory(options, sweep, backend_record(options.runner));
  line = std::make_unique<ProgressLine>(directory.journal().rows().size() +
                                        directory.missing_points().size());
  const experiments::RunnerOutcome outcome = run_into(directory, sweep, runner, crew);
  line.reset();
  directory.finish(directory.status_of_rows());
  print_results(options, sweep, directory.journal());
  if (sweep.wants_report) {
    const std::string page = experiments::write_report(directory.path(), "", "").string();
    std::fprintf(options.json ? stderr : stdout, "report in %s\n", page.c_str());
  }
  std::fprintf(options.json ? stderr : stdout, "results in %s\n", directory.path().c_str());
  if (outcome.interrupted) {
    report_missing(options, sweep, directory, "interrupted");
    return kInterrupted;
  }
  if (outcome.stopped_by_failure) {
    report_missing(options, sweep, directory, "stopped by a failed point");
  }
  if (outcome.our_bug) return kOurBug;
  return directory.has_failed() ? kSomeFailed : 0;
}

int run(const RunCommandOptions& options) {
  experiments::Crew crew(experiments::join_launched_processes());
  const bool leads = crew.transport() == nullptr || crew.transport()->rank() == 0;
  return leads ? lead(options, crew) : help(options, *crew.transport());
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
  command
      ->add_option(
          "--sweep", options->axes,
          "Sweep a key: --sweep router.capacity_factor=1,1.25,null (repeatable), or a rule "
          "as '{\"range\": [0, 4]}'")
      ->expected(1)
      ->take_all();
  command->add_option("-o,--output", options->output, "Folder for results")->capture_default_str();
  add_runner_flags(*command, options->runner);
  command->add_flag("--fail-fast", options->fail_fast, "Stop after the first failed point");
  command->add_option("--resume", options->resume,
                      "Go on with this run's folder, where the sweep may have grown");
  command->add_option(
      "--shard", options->shard,
      "Run only a part of the points: 2/3 for the second third (then moesim merge)");
  command->add_flag("--fresh", options->fresh, "Start a new run, also where one is unfinished");
  command->add_flag("--retry-failed", options->retry_failed,
                    "Run failed points again when resuming");
  command->add_flag("-n,--dry-run", options->dry_run, "List the points and stop");
  command->add_flag("--json", options->json, "Print one JSON object per point, one a line");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace moesim::cli
