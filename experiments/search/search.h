// SPDX-License-Identifier: Apache-2.0
// The best points of a sweep without running all of it: cheaper versions of the experiment sort
// candidates out (ladder.h), half of those that may run as the experiment says do, the other half
// is chosen by what they have shown (prospects.h), and the best run once more at the finest
// fidelity. The points that run in full are those of an ordinary run directory, so that `moesim run
// --resume` can run the others.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "experiments/runs/runner.h"
#include "experiments/search/goals.h"
#include "experiments/search/grid_check.h"
#include "experiments/search/left_out.h"
#include "experiments/sweep/sweep.h"

namespace moesim::experiments {

struct SearchOptions {
  RunnerOptions runner;
  std::filesystem::path experiment_file;
  std::filesystem::path output;  // where runs lie
  std::string command;           // for the manifests
  BackendRecord backend = {};    // that trains gates
  double budget = 0.2;           // the share of the grid's points that may run in full, in (0, 1]
  std::size_t winners = 3;       // candidates that are confirmed at `flow`; 0: none
  bool check = false;            // run the rest of the grid too, and compare
  bool fresh = false;            // a new run, whatever there is
  bool retry_failed = false;     // points that have failed run again
  // Called when a rung begins: its name, and its points that have not run before.
  std::function<void(const std::string& rung, std::size_t points)> begin_rung;
};

// What was run on the way.
struct RungOutcome {
  std::string name;
  std::size_t candidates = 0;
  std::size_t points = 0;
  std::size_t there = 0;    // of these, points that an earlier search had run
  std::size_t failed = 0;   // of these
  std::size_t skipped = 0;  // of these, points that cannot be
  std::string reason;       // the first failed or skipped one's
  double wall_s = 0;
  std::filesystem::path folder;
};

struct FoundCandidate {
  std::size_t candidate = 0;
  std::vector<std::size_t> points;    // that ran in full
  std::vector<MeanInterval> figures;  // over the points: [figures_of(goals)]
  std::vector<std::string> warnings;  // of its first point
  std::vector<double> confirmed;      // the same at `flow`, of the first point; empty: not run
  bool is_feasible = false;
  bool is_final = false;     // ran with as many seeds as any: only such are named the best
  bool is_on_front = false;  // no other final one beats it everywhere
};

struct SearchOutcome {
  Goals goals;
  std::vector<Candidate> candidates;
  std::size_t num_points = 0;  // of the grid, without those that the sweep leaves out
  std::vector<RungOutcome> screens;
  RungOutcome full;
  std::optional<RungOutcome> confirmation;
  std::vector<FoundCandidate> found;    // that ran in full, the best first; empty where none did
  std::optional<BestLeftOut> left_out;  // none where all ran
  std::optional<GridCheck> check;
  bool interrupted = false;  // it goes on where it stopped when it is called again
  bool our_bug = false;      // some point failed by a check of ours

  // Points that failed; what `flow` does not finish in time is no failure.
  std::size_t failed() const;
};

// Writes search.json into the run's folder too. Throws base::Error where there is nothing to choose
// from, for what screens_of() says (ladder.h), where no point has a figure that a goal names, and
// for what run_points() throws.
SearchOutcome search(const Sweep& sweep, const SearchOptions& options);

}  // namespace moesim::experiments
