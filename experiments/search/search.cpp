// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/search.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/named_table.h"
#include "experiments/runs/point_files.h"
#include "experiments/search/ladder.h"
#include "experiments/search/prospects.h"
#include "experiments/search/rung_run.h"
#include "experiments/search/search_page.h"

namespace moesim::experiments {
namespace {

using Indices = std::vector<std::size_t>;
using Clock = std::chrono::steady_clock;

// Of each point at the finest fidelity, where --time-limit says none: on contended fabrics `flow`
// may take many minutes for what `collective` does in one second.
constexpr base::Seconds kConfirmationLimit{60};

Indices counting(std::size_t count) {
  Indices numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

bool contains(const Indices& list, std::size_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// What the rows say of these points.
void note_failures(const StoredRun& results, const Indices& points, RungOutcome& rung) {
  const std::set<std::size_t> wanted(points.begin(), points.end());
  for (const StoredPoint& point : results.points) {
    if (point.status == "ok" || !wanted.contains(point.index)) continue;
    if (rung.failed + rung.skipped == 0) rung.reason = point.reason;
    (point.status == "failed" ? rung.failed : rung.skipped) += 1;
  }
}

std::vector<std::string> warnings_of(const StoredRun& results, const StoredPoint& point) {
  std::vector<std::string> warnings;
  const base::JsonValue row = read_row(results, point);
  if (const base::JsonValue* list = row.find("warnings")) {
    for (const base::JsonValue& warning : list->items) warnings.push_back(warning.text);
  }
  return warnings;
}

class Search {
 public:
  Search(const Sweep& sweep, const SearchOptions& options)
      : sweep_(sweep),
        options_(options),
        candidates_(candidates_of(sweep)),
        experiment_(first_point(sweep).read.experiment),
        screened_(candidates_.size()) {
    outcome_.goals = goals_of(sweep);
    for (const Candidate& candidate : candidates_) {
      outcome_.num_points += candidate.points.size();
      most_seeds_ = std::max(most_seeds_, candidate.points.size());
    }
    const double share = options.budget * static_cast<double>(outcome_.num_points);
    const auto points = std::max<std::size_t>(1, static_cast<std::size_t>(share + 1e-9));
    allowance_ =
        allowance_of({points, candidates_.size(), most_seeds_, outcome_.goals.objectives.size()});
  }

  SearchOutcome run() {
    const std::vector<Rung> screens = screens_of(sweep_, experiment_);
    RungRun grid(sweep_, {options_.output, options_.experiment_file, options_.command,
                          options_.backend, options_.fresh, options_.retry_failed});
    folder_ = grid.folder();
    const bool has_choice = allowance_.entrants < candidates_.size();
    const Indices entrants = has_choice ? screen_all(screens) : counting(candidates_.size());
    if (!outcome_.interrupted) run_in_full(grid, entrants);
    if (!outcome_.interrupted && has_choice) note_left_out(screens.back());
    if (!outcome_.interrupted) confirm();
    if (!outcome_.interrupted && options_.check) check(grid);
    outcome_.candidates = candidates_;
    write_file(folder_ / "search.json", base::to_text(search_json(sweep_, outcome_)) + "\n");
    grid.finish();
    return std::move(outcome_);
  }

 private:
  // Of the candidate's first `seeds` points.
  std::vector<double> figures(const PointRows& rows, std::size_t candidate,
                              std::size_t seeds) const {
    return figures_over(outcome_.goals, rows, points_of(candidates_, {candidate}, seeds));
  }

  // Runs points of a rung, adds to `rung` what that took, and returns the rows.
  StoredRun run_rung(RungRun& run, const Indices& points, RunnerOptions runner, RungOutcome& rung) {
    const std::size_t there = run.num_there(points);
    rung.points += points.size();
    rung.there += there;
    rung.folder = run.folder();
    if (options_.begin_rung) options_.begin_rung(rung.name, points.size() - there);
    if (runner.progress) {
      const auto before = run.num_rows();
      runner.progress = [this, before](std::size_t finished, const sim::Progress& progress) {
        options_.runner.progress(finished - before, progress);
      };
    }
    const auto start = Clock::now();
    const RunnerOutcome ran = run.run(points, runner);
    rung.wall_s += std::chrono::duration<double>(Clock::now() - start).count();
    outcome_.interrupted = ran.interrupted;
    outcome_.our_bug = outcome_.our_bug || ran.our_bug;
    run.finish();
    StoredRun results = run.results();
    note_failures(results, points, rung);
    return results;
  }

  RungPlace place_below(const char* folder) const {
    return {
        folder_ / folder,     options_.experiment_file, options_.command, options_.backend, false,
        options_.retry_failed};
  }

  // The candidates that all screens let through, the best first.
  Indices screen_all(const std::vector<Rung>& screens) {
    Indices left = counting(candidates_.size());
    const Indices survivors = survivors_of(left.size(), allowance_.entrants, screens.size());
    for (std::size_t i = 0; i < screens.size() && !outcome_.interrupted; ++i) {
      const Sweep changed = at_rung(sweep_, screens[i]);
      RungRun run(changed, place_below("search"));
      RungOutcome& rung = outcome_.screens.emplace_back();
      rung.name = screens[i].name;
      rung.candidates = left.size();
      const StoredRun results =
          run_rung(run, points_of(candidates_, left, 1), options_.runner, rung);
      if (!outcome_.interrupted) left = pass_screen(screens[i], results, left, survivors[i]);
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
    require_figures(*sweep_.document, outcome_.goals, screened_);
    Indices passed;
    for (const std::size_t i : best_of(standings, count)) passed.push_back(from[i]);
    return passed;
  }

  // The entrants with their first seed, then the best of them with the others.
  void run_in_full(RungRun& grid, const Indices& entrants) {
    outcome_.full.name = base::name_in_words(experiment_.scenario.network.fidelity);
    const bool all_run = entrants.size() == candidates_.size();
    const std::size_t first = all_run ? entrants.size() : (entrants.size() + 1) / 2;
    StoredRun results =
        run_more(grid, {entrants.begin(), entrants.begin() + static_cast<std::ptrdiff_t>(first)});
    if (!outcome_.interrupted && first < entrants.size()) {
      results = run_more(grid, next_ones(results, entrants.size() - first));
    }
    if (outcome_.interrupted) return;
    require_figures_in_full(results);
    Indices finalists = ranked(PointRows(results), chosen_, 1);
    finalists.resize(std::min(allowance_.finalists, finalists.size()));
    if (!finalists.empty()) {
      const Indices seeds = other_seeds(finalists);
      results = run_rung(grid, seeds, options_.runner, outcome_.full);
    }
    if (!outcome_.interrupted) name_found(results, finalists);
  }

  StoredRun run_more(RungRun& grid, const Indices& candidates) {
    chosen_.insert(chosen_.end(), candidates.begin(), candidates.end());
    outcome_.full.candidates = chosen_.size();
    return run_rung(grid, points_of(candidates_, candidates, 1), options_.runner, outcome_.full);
  }

  // The points of the candidates but for their first.
  Indices other_seeds(const Indices& of) const {
    Indices points;
    for (const std::size_t candidate : of) {
      const Indices all = points_of(candidates_, {candidate}, allowance_.seeds);
      points.insert(points.end(), all.begin() + 1, all.end());
    }
    return points;
  }

  CandidateFigures figures_in_full(const StoredRun& results) const {
    const PointRows rows(results);
    CandidateFigures full(candidates_.size());
    for (const std::size_t candidate : chosen_) full[candidate] = figures(rows, candidate, 1);
    return full;
  }

  void require_figures_in_full(const StoredRun& results) const {
    require_figures(*sweep_.document, outcome_.goals, figures_in_full(results));
  }

  Indices next_ones(const StoredRun& results, std::size_t count) const {
    const CandidateFigures full = figures_in_full(results);
    CandidateFigures screened = screened_;
    for (const std::size_t candidate : chosen_) {
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

  // Finalists before those that ran with one seed only, and feasible ones before all others.
  void name_found(const StoredRun& results, const Indices& finalists) {
    const PointRows rows(results);
    const bool all_are_final = finalists.empty();
    Indices others = chosen_;
    std::erase_if(others, [&](std::size_t candidate) { return contains(finalists, candidate); });
    for (const std::size_t candidate : ranked(rows, finalists, allowance_.seeds)) {
      add_found(rows, candidate, allowance_.seeds, true);
    }
    for (const std::size_t candidate : ranked(rows, others, 1)) {
      add_found(rows, candidate, 1, all_are_final);
    }
    std::stable_partition(outcome_.found.begin(), outcome_.found.end(),
                          [](const FoundCandidate& found) { return found.is_feasible; });
    std::vector<Standing> standings;
    for (const FoundCandidate& found : outcome_.found) {
      standings.push_back(standing_of(outcome_.goals, means_of(found), false));
      standings.back().has_run = found.is_final;
    }
    for (const std::size_t i : pareto_front(standings)) outcome_.found[i].is_on_front = true;
    for (FoundCandidate& found : outcome_.found) {
      found.warnings = warnings_of(results, *rows.find(found.points.front()));
    }
  }

  void add_found(const PointRows& rows, std::size_t candidate, std::size_t seeds, bool is_final) {
    FoundCandidate found;
    found.candidate = candidate;
    found.points = points_of(candidates_, {candidate}, seeds);
    for (const std::string& figure : figures_of(outcome_.goals)) {
      found.figures.push_back(rows.mean(figure, found.points));
    }
    found.is_feasible = standing_of(outcome_.goals, means_of(found), false).is_feasible();
    found.is_final = is_final;
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
    const RungOutcome& rung = outcome_.screens.back();
    outcome_.left_out->is_bound = rung.candidates == candidates_.size() && rung.failed == 0 &&
                                  most_seeds_ == 1 &&
                                  is_bound_of(outcome_.goals, screen, sweep_, experiment_);
  }

  // The best once more at the finest fidelity.
  void confirm() {
    const std::vector<Rung> rungs = confirmation_of(experiment_);
    if (rungs.empty() || options_.winners == 0 || outcome_.found.empty()) return;
    Indices winners;
    for (const FoundCandidate& found : outcome_.found) {
      if (winners.size() < options_.winners) winners.push_back(found.candidate);
    }
    const Sweep changed = at_rung(sweep_, rungs.front());
    RunnerOptions runner = options_.runner;
    RungPlace place = place_below("search");
    place.retry_failed = place.retry_failed || runner.time_limit;
    if (!runner.time_limit) runner.time_limit = kConfirmationLimit;
    RungRun run(changed, place);
    RungOutcome& rung = outcome_.confirmation.emplace();
    rung.name = rungs.front().name;
    rung.candidates = winners.size();
    const StoredRun results = run_rung(run, points_of(candidates_, winners, 1), runner, rung);
    if (outcome_.interrupted) return;
    const PointRows rows(results);
    for (std::size_t i = 0; i < winners.size(); ++i) {
      outcome_.found[i].confirmed = figures(rows, winners[i], 1);
    }
  }

  // Runs the rest of the grid, what the sweep leaves out too, and looks for what the search missed.
  void check(RungRun& grid) {
    RungOutcome rest;
    rest.name = "the rest of the grid";
    const StoredRun results = run_rung(grid, counting(sweep_.points.size()), options_.runner, rest);
    if (outcome_.interrupted) return;
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

  // The candidate that the search calls the best by the objective.
  std::optional<std::size_t> named_best(std::size_t objective) const {
    std::optional<std::size_t> best;
    double best_cost = 0;
    for (const FoundCandidate& found : outcome_.found) {
      if (!found.is_feasible || !found.is_final) continue;
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

std::size_t SearchOutcome::failed() const {
  std::size_t count = full.failed;
  for (const RungOutcome& screen : screens) count += screen.failed;
  return count;
}

SearchOutcome search(const Sweep& sweep, const SearchOptions& options) {
  if (candidates_of(sweep).size() < 2) {
    const base::JsonValue* section = sweep.document->find("sweep");
    throw base::Error(section != nullptr ? base::where_of(section->place, "/sweep") : "sweep",
                      "leaves one configuration, and nothing to choose from",
                      "sweep what is to be chosen: --sweep router.capacity_factor=1,1.25,1.5");
  }
  return Search(sweep, options).run();
}

}  // namespace moesim::experiments
