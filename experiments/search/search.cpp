// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/search.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/named_table.h"
#include "experiments/runs/point_files.h"
#include "experiments/search/ladder.h"
#include "experiments/search/prospects.h"
#include "experiments/search/rung_run.h"

namespace moesim::experiments {
namespace {

using Indices = std::vector<std::size_t>;
using Clock = std::chrono::steady_clock;

// Of each point at the finest fidelity, where --time-limit says none: on contended fabrics `flow`
// may take many minutes for what `collective` does in one second.
constexpr base::Seconds kConfirmationLimit{60};

Experiment first_experiment(const Sweep& sweep) {
  std::optional<base::Error> first_error;
  for (const Point& point : sweep.points) {
    try {
      return read_point(sweep, point).experiment;
    } catch (const base::Error& error) {
      if (!first_error) first_error = error;
    }
  }
  throw *first_error;
}

Indices counting(std::size_t count) {
  Indices numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

bool contains(const Indices& list, std::size_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

base::Error nothing_runs(const StoredRun& results) {
  const std::string reason = results.points.empty() ? "" : results.points.front().reason;
  return {results.folder.string(), "none of the points runs; the first says: " + reason,
          "moesim run --dry-run lists what is wrong with each"};
}

class Search {
 public:
  Search(const Sweep& sweep, const SearchOptions& options)
      : sweep_(sweep),
        options_(options),
        candidates_(candidates_of(sweep)),
        experiment_(first_experiment(sweep)),
        screened_(candidates_.size()) {
    outcome_.goals = goals_of(sweep);
    for (const Candidate& candidate : candidates_) {
      outcome_.num_points += candidate.points.size();
      most_seeds_ = std::max(most_seeds_, candidate.points.size());
    }
    allowance_ = allowance_of(outcome_.num_points, most_seeds_, outcome_.goals.objectives.size(),
                              options.budget);
  }

  SearchOutcome run() {
    const std::vector<Rung> screens = screens_of(sweep_, experiment_);
    RungRun grid(sweep_,
                 {options_.output, options_.experiment_file, options_.command, options_.fresh});
    folder_ = grid.folder();
    const bool has_choice = allowance_.entrants < candidates_.size();
    Indices entrants = has_choice ? screen_all(screens) : counting(candidates_.size());
    if (!outcome_.interrupted) run_in_full(grid, entrants);
    if (!outcome_.interrupted && has_choice) note_left_out(screens.back());
    if (!outcome_.interrupted) confirm();
    if (!outcome_.interrupted && options_.check) check(grid);
    outcome_.candidates = candidates_;
    write_file(folder_ / "search.json", base::to_text(search_json(sweep_, outcome_)) + "\n");
    return std::move(outcome_);
  }

 private:
  // Of the candidate's first `seeds` points.
  std::vector<double> figures(const PointRows& rows, std::size_t candidate,
                              std::size_t seeds) const {
    return figures_over(outcome_.goals, rows, points_of(candidates_, {candidate}, seeds));
  }

  // Runs points of a rung and says what that took.
  RungOutcome run_rung(const std::string& name, RungRun& run, const Indices& points,
                       const RunnerOptions& runner) {
    RungOutcome rung;
    rung.name = name;
    rung.points = points.size();
    rung.there = run.num_there(points);
    rung.folder = run.folder();
    if (options_.begin_rung) options_.begin_rung(name, points.size());
    const auto start = Clock::now();
    outcome_.interrupted = !run.run(points, runner);
    rung.wall_s = std::chrono::duration<double>(Clock::now() - start).count();
    return rung;
  }

  RungPlace place_below(const char* folder) const {
    return {folder_ / folder, options_.experiment_file, options_.command, false};
  }

  // The candidates that all screens let through: more of them than may run, since what the first
  // ones show decides which come next.
  Indices screen_all(const std::vector<Rung>& screens) {
    Indices left = counting(candidates_.size());
    const Indices survivors = survivors_of(left.size(), allowance_.entrants, screens.size());
    for (std::size_t i = 0; i < screens.size() && !outcome_.interrupted; ++i) {
      const Sweep changed = at_rung(sweep_, screens[i]);
      RungRun run(changed, place_below("search"));
      outcome_.screens.push_back(
          run_rung(screens[i].name, run, points_of(candidates_, left, 1), options_.runner));
      outcome_.screens.back().candidates = left.size();
      if (!outcome_.interrupted) left = pass_screen(screens[i], run.results(), left, survivors[i]);
    }
    return left;
  }

  Indices pass_screen(const Rung& rung, const StoredRun& results, const Indices& from,
                      std::size_t count) {
    const PointRows rows(results);
    std::vector<Standing> standings;
    screened_.assign(candidates_.size(), {});
    for (const std::size_t candidate : from) {
      screened_[candidate] = figures(rows, candidate, 1);
      standings.push_back(
          standing_of(outcome_.goals, screened_[candidate], rung.shortens_training));
    }
    Indices passed;
    for (const std::size_t i : best_of(standings, count)) passed.push_back(from[i]);
    if (passed.empty()) throw nothing_runs(results);
    return passed;
  }

  // The entrants with their first seed, then the best of them with the others.
  void run_in_full(RungRun& grid, const Indices& entrants) {
    outcome_.full.name = base::name_in_words(experiment_.scenario.network.fidelity);
    outcome_.full.folder = grid.folder();
    const bool all_run = entrants.size() == candidates_.size();
    const std::size_t first = all_run ? entrants.size() : (entrants.size() + 1) / 2;
    run_more(grid, {entrants.begin(), entrants.begin() + static_cast<std::ptrdiff_t>(first)});
    if (!outcome_.interrupted && first < entrants.size()) {
      run_more(grid, next_ones(grid.results(), entrants.size() - first));
    }
    if (outcome_.interrupted) return;
    Indices finalists = ranked(PointRows(grid.results()), chosen_, 1);
    finalists.resize(std::min(allowance_.finalists, finalists.size()));
    Indices points = points_of(candidates_, finalists, allowance_.seeds);
    const Indices have_run = points_of(candidates_, chosen_, 1);
    std::erase_if(points, [&](std::size_t point) { return contains(have_run, point); });
    if (!points.empty()) add_to_full(run_rung(outcome_.full.name, grid, points, options_.runner));
    if (!outcome_.interrupted) name_found(grid.results(), finalists);
  }

  void run_more(RungRun& grid, const Indices& candidates) {
    chosen_.insert(chosen_.end(), candidates.begin(), candidates.end());
    outcome_.full.candidates = chosen_.size();
    add_to_full(
        run_rung(outcome_.full.name, grid, points_of(candidates_, candidates, 1), options_.runner));
  }

  void add_to_full(const RungOutcome& rung) {
    outcome_.full.points += rung.points;
    outcome_.full.there += rung.there;
    outcome_.full.wall_s += rung.wall_s;
  }

  Indices next_ones(const StoredRun& results, std::size_t count) const {
    const PointRows rows(results);
    CandidateFigures screened = screened_;
    CandidateFigures full(candidates_.size());
    for (const std::size_t candidate : chosen_) {
      full[candidate] = figures(rows, candidate, 1);
      if (full[candidate].empty()) screened[candidate].clear();  // it has failed
    }
    return prospects_of(outcome_.goals, candidates_, screened, full, count);
  }

  // Of some candidates those that have run, the best first, by their first `seeds` points.
  Indices ranked(const PointRows& rows, const Indices& of, std::size_t seeds) const {
    std::vector<Standing> standings;
    for (const std::size_t candidate : of) {
      standings.push_back(standing_of(outcome_.goals, figures(rows, candidate, seeds), false));
    }
    Indices order;
    for (const std::size_t i : best_of(standings, of.size())) order.push_back(of[i]);
    return order;
  }

  // The finalists, then those that ran with one seed only.
  void name_found(const StoredRun& results, const Indices& finalists) {
    const PointRows rows(results);
    Indices others = chosen_;
    std::erase_if(others, [&](std::size_t candidate) { return contains(finalists, candidate); });
    for (const std::size_t candidate : ranked(rows, finalists, allowance_.seeds)) {
      add_found(rows, candidate, allowance_.seeds);
    }
    for (const std::size_t candidate : ranked(rows, others, 1)) add_found(rows, candidate, 1);
    if (outcome_.found.empty()) throw nothing_runs(results);
    std::vector<Standing> standings;
    for (const FoundCandidate& found : outcome_.found) {
      standings.push_back(standing_of(outcome_.goals, means_of(found), false));
    }
    for (const std::size_t i : pareto_front(standings)) outcome_.found[i].is_on_front = true;
  }

  void add_found(const PointRows& rows, std::size_t candidate, std::size_t seeds) {
    FoundCandidate found;
    found.candidate = candidate;
    found.points = points_of(candidates_, {candidate}, seeds);
    for (const std::string& figure : figures_of(outcome_.goals)) {
      found.figures.push_back(rows.mean(figure, found.points));
    }
    found.is_feasible = standing_of(outcome_.goals, means_of(found), false).violation == 0;
    outcome_.found.push_back(std::move(found));
  }

  static std::vector<double> means_of(const FoundCandidate& found) {
    std::vector<double> means;
    for (const MeanInterval& figure : found.figures) means.push_back(figure.mean);
    return means;
  }

  void note_left_out(const Rung& screen) {
    outcome_.left_out = left_out_of(outcome_.goals, screened_, chosen_, screen);
    if (!outcome_.left_out) return;
    const bool is_one_screen = outcome_.screens.size() == 1;
    outcome_.left_out->is_bound =
        is_one_screen && is_bound_of(outcome_.goals, screen, most_seeds_ > 1);
  }

  // The best once more at the finest fidelity.
  void confirm() {
    const std::vector<Rung> rungs = confirmation_of(experiment_);
    if (rungs.empty() || options_.winners == 0) return;
    Indices winners;
    for (const FoundCandidate& found : outcome_.found) {
      if (winners.size() < options_.winners) winners.push_back(found.candidate);
    }
    const Sweep changed = at_rung(sweep_, rungs.front());
    RungRun run(changed, place_below("search"));
    RunnerOptions runner = options_.runner;
    if (!runner.time_limit) runner.time_limit = kConfirmationLimit;
    outcome_.confirmation =
        run_rung(rungs.front().name, run, points_of(candidates_, winners, 1), runner);
    outcome_.confirmation->candidates = winners.size();
    if (!outcome_.interrupted) note_confirmed(run.results(), winners);
  }

  void note_confirmed(const StoredRun& results, const Indices& winners) {
    const PointRows rows(results);
    for (std::size_t i = 0; i < winners.size(); ++i) {
      outcome_.found[i].confirmed = figures(rows, winners[i], 1);
    }
    for (const StoredPoint& point : results.points) {
      if (point.status != "ok") outcome_.not_confirmed = point.reason;
    }
  }

  // Runs the rest of the grid and looks for what the search has missed.
  void check(RungRun& grid) {
    run_rung("the rest of the grid", grid,
             points_of(candidates_, counting(candidates_.size()), most_seeds_), options_.runner);
    if (outcome_.interrupted) return;
    const StoredRun results = grid.results();
    const PointRows rows(results);
    std::vector<Standing> standings;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      standings.push_back(standing_of(outcome_.goals, figures(rows, i, most_seeds_), false));
    }
    std::vector<std::optional<std::size_t>> named;
    for (std::size_t i = 0; i < outcome_.goals.objectives.size(); ++i) {
      named.push_back(named_best(i));
    }
    outcome_.check = check_against(standings, chosen_, named);
  }

  // The candidate that the search calls the best by the objective: of those with the most seeds.
  std::optional<std::size_t> named_best(std::size_t objective) const {
    std::optional<std::size_t> best;
    double best_cost = 0;
    for (const FoundCandidate& found : outcome_.found) {
      if (!found.is_feasible || found.points.size() < outcome_.found.front().points.size()) {
        continue;
      }
      const double cost = standing_of(outcome_.goals, means_of(found), false).costs[objective];
      if (best && cost >= best_cost) continue;
      best = found.candidate;
      best_cost = cost;
    }
    return best;
  }

  const Sweep& sweep_;
  const SearchOptions& options_;
  std::vector<Candidate> candidates_;
  Experiment experiment_;  // of the first point that can be read
  std::size_t most_seeds_ = 1;
  Allowance allowance_;
  std::filesystem::path folder_;
  CandidateFigures screened_;  // on the last screen
  Indices chosen_;             // candidates that run in full
  SearchOutcome outcome_;
};

}  // namespace

SearchOutcome search(const Sweep& sweep, const SearchOptions& options) {
  if (sweep.is_lone()) {
    throw base::Error("sweep", "is missing: there is one point and nothing to choose from",
                      "add a \"sweep\", or --sweep router.capacity_factor=1,1.25,1.5");
  }
  return Search(sweep, options).run();
}

}  // namespace moesim::experiments
