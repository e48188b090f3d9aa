// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/runner.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "experiments/error_place.h"
#include "experiments/runs/point_files.h"
#include "experiments/runs/worker.h"

namespace moesim::experiments {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenLooksAtMemory(100);

// A row of results for a point without figures.
std::string row_without_figures(const Sweep& sweep, const Point& point, const std::string& status,
                                const std::string& reason) {
  base::JsonValue row = base::json_object();
  base::add_member(row, "status", base::json_of(status));
  base::add_member(row, "reason", base::json_of(reason));
  sim::ScenarioFigures scenario;
  scenario.name = sweep.name;
  scenario.point = point.id;
  scenario.index = static_cast<int>(point.index);
  scenario.swept = point.swept;
  base::add_member(row, "scenario", base::to_json(scenario));
  return base::to_text(row, base::JsonStyle::compact);
}

struct RunningPoint {
  RunningPoint(const Sweep& sweep, const Point& p, const std::filesystem::path& folder,
               const WorkerMeans& means)
      : point(p), worker(sweep, p, folder, means) {}

  const Point& point;
  Worker worker;
  Clock::time_point started = Clock::now();
};

class Pool {
 public:
  Pool(const Sweep& sweep, PointDesk& desk, const RunnerOptions& options)
      : sweep_(sweep), desk_(desk), options_(options) {}

  RunnerOutcome run() {
    while (!outcome_.interrupted && !outcome_.stopped_by_failure &&
           (!desk_.is_done() || !running_.empty())) {
      start_workers();
      wait_for_news();
      enforce_limits();
      if (options_.progress) {
        options_.progress(desk_.num_recorded(),
                          running_.empty() ? sim::Progress{} : running_.front()->worker.progress());
      }
      const bool asked_to_stop = options_.interrupted != nullptr && *options_.interrupted != 0;
      const bool is_done = desk_.is_done() && running_.empty();
      outcome_.interrupted = (asked_to_stop || desk_.must_stop()) && !is_done;
      outcome_.stopped_by_failure = options_.fail_fast && desk_.has_failed() && !is_done;
    }
    return outcome_;
  }

 private:
  void start_workers() {
    const WorkerMeans means{sweep_.is_lone() ? options_.workers : 1, options_.backend};
    const std::size_t processes = sweep_.is_lone() ? 1 : options_.workers;
    while (running_.size() < processes) {
      const std::optional<std::size_t> index = desk_.take();
      if (!index) return;
      const Point& point = sweep_.points[*index];
      try {
        running_.push_back(std::make_unique<RunningPoint>(sweep_, point, folder_for(point), means));
      } catch (const base::Error&) {
        // Those that run will free what this one lacks; without any there is nothing to wait for.
        desk_.put_back(*index);
        if (running_.empty()) throw;
        return;
      }
    }
  }

  // "" for a point that gets none.
  std::filesystem::path folder_for(const Point& point) {
    if (sweep_.has_point_folders || sweep_.is_lone()) return desk_.folder(point);
    desk_.drop_folder(point);  // of an earlier failure
    return {};
  }

  void wait_for_news() {
    std::vector<pollfd> watched;
    for (const auto& point : running_) {
      watched.push_back({point->worker.descriptor(), POLLIN, 0});
    }
    if (poll(watched.data(), watched.size(), options_.poll_milliseconds) <= 0) return;
    // From the back, so that erasing keeps the earlier ones in place.
    for (std::size_t i = watched.size(); i-- > 0;) {
      if (watched[i].revents == 0 || !running_[i]->worker.take_in()) continue;
      settle(*running_[i]);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void enforce_limits() {
    const bool looks_at_memory =
        options_.max_memory && Clock::now() - last_look_at_memory_ >= kBetweenLooksAtMemory;
    if (looks_at_memory) last_look_at_memory_ = Clock::now();
    for (std::size_t i = running_.size(); i-- > 0;) {
      const std::string reason = reason_to_stop(*running_[i], looks_at_memory);
      if (reason.empty()) continue;
      running_[i]->worker.stop(reason);
      settle(*running_[i]);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  // "" for a point that may go on.
  std::string reason_to_stop(const RunningPoint& running, bool looks_at_memory) const {
    if (options_.time_limit && Clock::now() - running.started >=
                                   std::chrono::duration<double>(options_.time_limit->value)) {
      return "time limit of " + base::to_text(*options_.time_limit) + " reached";
    }
    if (looks_at_memory && running.worker.resident_memory() > *options_.max_memory) {
      return "memory limit of " + base::to_text(*options_.max_memory) + " exceeded";
    }
    return {};
  }

  void settle(const RunningPoint& running) {
    const WorkerOutcome& outcome = running.worker.outcome();
    const Point& point = running.point;
    if (!outcome.result.empty()) {
      desk_.record(outcome.result, false);
      return;
    }
    std::string reason = outcome.failure;
    if (outcome.error) {
      if (sweep_.is_lone() || outcome.is_of_disk) throw base::Error(*outcome.error);
      const std::string pointer = pointer_of(*outcome.error, base::struct_codec_of<Experiment>());
      reason = pointer + ": " + outcome.error->message();
    }
    if (outcome.is_skipped) desk_.drop_folder(point);
    if (!outcome.is_skipped && !sweep_.has_point_folders && !sweep_.is_lone()) {
      write_file(desk_.folder(point) / "log.txt", running.worker.log_text());
    }
    outcome_.our_bug = outcome_.our_bug || outcome.is_our_bug;
    const char* status = outcome.is_skipped ? "skipped" : "failed";
    desk_.record(row_without_figures(sweep_, point, status, reason), !outcome.is_skipped);
  }

  const Sweep& sweep_;
  PointDesk& desk_;
  const RunnerOptions& options_;
  RunnerOutcome outcome_;
  Clock::time_point last_look_at_memory_;
  std::vector<std::unique_ptr<RunningPoint>> running_;
};

}  // namespace

RunnerOutcome run_points(const Sweep& sweep, PointDesk& desk, const RunnerOptions& options) {
  return Pool(sweep, desk, options).run();
}

}  // namespace moesim::experiments
