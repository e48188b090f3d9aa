// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/interrupt.h"
#include "experiments/experiment.h"
#include "experiments/runs/point_files.h"
#include "experiments/training_runner.h"
#include "model/cuda/backend_choice.h"

namespace moesim::cli {
namespace {

using experiments::TrainingPoint;
using experiments::TrainingResult;

struct TrainOptions {
  std::string file;
  std::vector<std::string> assignments;
  std::string output;  // "": runs/train/<name>
  int threads = 0;     // 0: as many as there are cores
  std::string backend = "cpu";
  bool resume = false;
  bool json = false;
  std::vector<std::string> arguments;
};

// Tells on stderr how far a training has come: at most twice a second on a terminal, every five
// seconds elsewhere, and at every validation.
class TrainingProgress {
 public:
  TrainingProgress() = default;
  TrainingProgress(const TrainingProgress&) = delete;
  TrainingProgress& operator=(const TrainingProgress&) = delete;
  // What is printed next begins a line.
  ~TrainingProgress() {
    if (line_is_open_) std::fputc('\n', stderr);
  }

  void show(const TrainingPoint& point, const model::StepRecord& step,
            std::optional<double> validation_loss) {
    tokens_ += step.tokens;
    const double pause = terminal_ ? 0.5 : 5.0;
    const double now = seconds();
    const bool last = step.step == point.file.training.steps;
    if (!validation_loss && !last && now - last_shown_ < pause) return;
    last_shown_ = now;
    std::string line =
        fmt::format("step {}/{}  loss {:.4f}  {:.3f} bits/byte  {:.0f} tokens/s", step.step,
                    point.file.training.steps, step.loss, model::bits_per_byte(step.loss),
                    static_cast<double>(tokens_) / now);
    if (!point.label.empty()) line = point.label + "  " + line;
    if (validation_loss) {
      line += fmt::format("  validation {:.3f} bits/byte", model::bits_per_byte(*validation_loss));
    }
    const bool stays = validation_loss.has_value() || !terminal_;
    std::fprintf(stderr, "%smoesim: %s%s", terminal_ ? "\r\x1b[K" : "", line.c_str(),
                 stays ? "\n" : "");
    std::fflush(stderr);
    line_is_open_ = !stays;
  }

 private:
  using Clock = std::chrono::steady_clock;
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  bool terminal_ = isatty(STDERR_FILENO) != 0;
  Clock::time_point start_ = Clock::now();
  double last_shown_ = 0;
  bool line_is_open_ = false;
  std::int64_t tokens_ = 0;
};

experiments::TrainingRunnerOptions runner_options(const TrainOptions& options,
                                                  const std::string& name) {
  experiments::TrainingRunnerOptions runner;
  runner.folder = options.output.empty() ? "runs/train/" + name : options.output;
  const int cores = base::number_of_cores();
  runner.threads = options.threads > 0 ? options.threads : cores;
  runner.resume = options.resume;
  runner.stop = [] { return interrupted() != 0; };
  return runner;
}

// Each warning once, whatever number of points it is about.
void print_warnings(const std::vector<TrainingPoint>& points) {
  std::set<std::string> said;
  for (const TrainingPoint& point : points) {
    for (const std::string& warning : point.warnings) {
      if (!said.insert(warning).second) continue;
      std::fprintf(stderr, "moesim: warning: %s\n", warning.c_str());
    }
  }
}

// The results of the points; of the first ones where it was interrupted.
std::vector<TrainingResult> train_points(const std::vector<TrainingPoint>& points,
                                         experiments::TrainingRunnerOptions runner, bool json) {
  TrainingProgress progress;
  runner.progress = [&progress](const TrainingPoint& point, const model::StepRecord& step,
                                std::optional<double> validation_loss) {
    progress.show(point, step, validation_loss);
  };
  std::vector<TrainingResult> results;
  for (std::size_t index = 0; index < points.size(); ++index) {
    std::optional<TrainingResult> result = experiments::train_point(points, index, runner);
    if (!result) break;
    if (json) {
      std::printf("%s\n", base::to_text(base::to_json(*result), base::JsonStyle::compact).c_str());
    }
    results.push_back(std::move(*result));
  }
  return results;
}

int report_interrupt(const TrainOptions& options) {
  std::vector<std::string> arguments = options.arguments;
  if (!options.resume) arguments.push_back("--resume");
  std::fprintf(stderr, "moesim: interrupted; to go on: %s\n", quoted(arguments).c_str());
  return kInterrupted;
}

int train(const TrainOptions& options) {
  const base::JsonValue document = experiments::read_document(options.file, options.assignments);
  const std::vector<TrainingPoint> points = experiments::expand_training(document);
  print_warnings(points);
  const model::cuda::BackendChoice backend = model::cuda::choose_backend(options.backend);
  if (options.backend != "cpu") {
    std::fprintf(stderr, "moesim: computing on %s\n", backend.description.c_str());
  }
  note_interrupts();
  experiments::TrainingRunnerOptions runner = runner_options(options, points.front().file.name);
  runner.device = backend.device.get();
  runner.backend = {model::cuda::arithmetic_of(options.backend), {backend.description}};
  const std::vector<TrainingResult> results = train_points(points, runner, options.json);
  if (results.size() < points.size()) return report_interrupt(options);
  if (!options.json) std::fputs(experiments::training_summary(results).c_str(), stdout);
  if (points.size() > 1) {
    experiments::write_file(runner.folder / "comparison.svg",
                            experiments::training_comparison_svg(points, results));
  }
  std::fprintf(options.json ? stderr : stdout, "results in %s\n", runner.folder.c_str());
  return 0;
}

}  // namespace

void add_train_command(CLI::App& app, int& exit_code, std::vector<std::string> arguments) {
  CLI::App* command =
      app.add_subcommand("train", "Train a MoE-GPT on a text: one model or a sweep of them");
  auto options = std::make_shared<TrainOptions>();
  options->arguments = std::move(arguments);
  command->add_option("file", options->file, "Training file (JSON, comments allowed)")->required();
  command
      ->add_option("--set", options->assignments,
                   "Set a key: --set training.steps=500 (repeatable)")
      ->expected(1)
      ->take_all();
  command->add_option("-o,--output", options->output,
                      "Folder for results (default: runs/train/<name>)");
  command->add_option("-j,--threads", options->threads, "Threads (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--backend", options->backend,
                      "What computes: cpu (default), cuda, cuda:bf16 (mixed precision), cuda:fp32, "
                      "cuda:tf32, or auto: cuda where there is a device");
  command->add_flag("--resume", options->resume, "Go on with what the folder holds");
  command->add_flag("--json", options->json, "Print one JSON object per model, one a line");
  command->callback([options, &exit_code] { exit_code = train(*options); });
}

}  // namespace moesim::cli
