// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/search_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/text_page.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;
using base::TextPage;

// "tokens_per_s_per_gpu high", "drop_rate at most 0.02"
std::string goals_text(const Goals& goals) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const Objective& objective : goals.objectives) {
    add(objective.figure + (objective.direction == Direction::max ? " high" : " low"));
  }
  for (const auto& [figure, bounds] : goals.constraints) {
    if (bounds.min) add(fmt::format("{} at least {:g}", figure, *bounds.min));
    if (bounds.max) add(fmt::format("{} at most {:g}", figure, *bounds.max));
  }
  return text;
}

void write_rung(TextPage& page, const RungOutcome& rung) {
  std::string more;
  if (rung.there > 0) more += fmt::format(", {} of them run before", rung.there);
  if (rung.failed > 0) more += fmt::format(", {} failed", rung.failed);
  if (rung.skipped > 0) more += fmt::format(", {} cannot be", rung.skipped);
  if (!rung.reason.empty()) more += ": " + rung.reason;
  page.line("  {:<36} {:>14} {:>7} {:>9.1f} s{}", rung.name, rung.candidates, rung.points,
            rung.wall_s, more);
}

// What the search took, beside what the points that ran in full say of the whole grid; "" where
// some had been there before.
std::string time_text(const SearchOutcome& outcome) {
  std::vector<const RungOutcome*> rungs{&outcome.full};
  for (const RungOutcome& screen : outcome.screens) rungs.push_back(&screen);
  if (outcome.confirmation) rungs.push_back(&*outcome.confirmation);
  double wall = 0;
  for (const RungOutcome* rung : rungs) {
    if (rung->there > 0) return {};
    wall += rung->wall_s;
  }
  if (outcome.full.points == 0) return {};
  const double grid = outcome.full.wall_s / static_cast<double>(outcome.full.points) *
                      static_cast<double>(outcome.num_points);
  return fmt::format("; all rungs took {:.1f} s, all points in full would take about {:.1f} s",
                     wall, grid);
}

void write_effort(TextPage& page, const SearchOutcome& outcome) {
  page.line("  {:<36} {:>14} {:>7} {:>11}", "rung", "configurations", "points", "wall time");
  for (const RungOutcome& screen : outcome.screens) write_rung(page, screen);
  write_rung(page, outcome.full);
  if (outcome.confirmation) write_rung(page, *outcome.confirmation);
  const double points =
      static_cast<double>(outcome.full.points) / static_cast<double>(outcome.num_points);
  page.line("");
  if (outcome.failed() > 0) {
    page.line("what has failed is not tried again without --retry-failed");
  }
  page.line("{} of {} points ran in full ({:.1f} %){}", outcome.full.points, outcome.num_points,
            100 * points, time_text(outcome));
}

std::string figure_text(const MeanInterval& figure) {
  if (figure.count == 0) return "-";
  if (std::isnan(figure.half_width)) return fmt::format("{:.6g}", figure.mean);
  return fmt::format("{:.6g} ± {:.2g}", figure.mean, figure.half_width);
}

std::string label_of(const SearchOutcome& outcome, std::size_t candidate) {
  const std::string& label = outcome.candidates[candidate].label;
  return label.empty() ? "(one configuration)" : label;
}

void write_found(TextPage& page, const SearchOutcome& outcome, const FoundCandidate& found) {
  const std::size_t seeds = outcome.candidates[found.candidate].points.size();
  page.line("  {}{}{}", label_of(outcome, found.candidate),
            found.points.size() < seeds ? fmt::format("  [1 of {} seeds]", seeds) : std::string(),
            found.is_feasible ? "" : "  [breaks a constraint]");
  const std::vector<std::string> names = figures_of(outcome.goals);
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string line = fmt::format("    {:<28} {}", names[i], figure_text(found.figures[i]));
    if (!found.confirmed.empty()) line += fmt::format("   flow {:.6g}", found.confirmed[i]);
    page.line("{}", line);
  }
  for (const std::string& warning : found.warnings) page.line("    warning: {}", warning);
}

void write_answers(TextPage& page, const SearchOutcome& outcome) {
  const bool has_front = outcome.goals.objectives.size() > 1;
  page.line("");
  if (outcome.found.empty()) {
    page.line("none of the points that were tried ran");
    return;
  }
  if (!outcome.found.front().is_feasible) {
    page.line("none of those that ran in full keeps to the constraints; the nearest:");
    write_found(page, outcome, outcome.found.front());
    return;
  }
  page.line("{}", has_front ? "no other that ran beats these in all objectives:" : "best:");
  for (const FoundCandidate& found : outcome.found) {
    if (has_front ? found.is_on_front : &found == &outcome.found.front()) {
      write_found(page, outcome, found);
    }
  }
  if (has_front || outcome.found.size() == 1) return;
  page.line("next:");
  for (std::size_t i = 1; i < std::min<std::size_t>(outcome.found.size(), 4); ++i) {
    write_found(page, outcome, outcome.found[i]);
  }
}

void write_left_out(TextPage& page, const SearchOutcome& outcome) {
  if (!outcome.left_out) return;
  const BestLeftOut& left_out = *outcome.left_out;
  const Objective& objective = outcome.goals.objectives.front();
  page.line("");
  page.line("of the {} that did not run in full, {} had the best {} on the screen: {:.6g}",
            left_out.candidates, label_of(outcome, left_out.best), objective.figure,
            left_out.figure);
  if (!left_out.is_bound || outcome.found.empty() || !outcome.found.front().is_feasible) return;
  const double best = outcome.found.front().figures.front().mean;
  const bool is_certain =
      objective.direction == Direction::max ? best >= left_out.figure : best <= left_out.figure;
  page.line("{}", is_certain ? "no figure in full is better than on that screen: none of them can "
                               "be better than the best above"
                             : "no figure in full is better than on that screen, but one of them "
                               "might still be better than the best above");
}

std::string verdict(const SearchOutcome& outcome, const BestCheck& best) {
  if (best.shortfall == 0) return "which the search found";
  if (!best.named) return "MISSED: the search names none";
  if (std::isinf(best.shortfall)) {
    return fmt::format("MISSED: the search names {}, which breaks a constraint over all its seeds",
                       label_of(outcome, *best.named));
  }
  return fmt::format("MISSED: the search names {}, {:.2g} % worse", label_of(outcome, *best.named),
                     100 * best.shortfall);
}

void write_check(TextPage& page, const SearchOutcome& outcome) {
  if (!outcome.check) return;
  const GridCheck& check = *outcome.check;
  page.line("");
  page.line("check against the whole grid, {} configurations:", check.candidates);
  for (std::size_t i = 0; i < check.by_objective.size(); ++i) {
    const std::string& figure = outcome.goals.objectives[i].figure;
    const BestCheck& best = check.by_objective[i];
    if (!best.best) {
      page.line("  {}: nothing keeps to the constraints", figure);
    } else {
      page.line("  {}: best is {}, {}", figure, label_of(outcome, *best.best),
                verdict(outcome, best));
    }
  }
  if (check.by_objective.size() < 2 || check.front == 0) return;
  page.line(
      "  {} of the {} that no other beats in all objectives ran; what ran comes within "
      "{:.2g} % of each of them",
      check.front_found, check.front, 100 * check.front_gap);
}

JsonValue json_of_count(std::size_t count) {
  return base::json_of(static_cast<std::uint64_t>(count));
}

JsonValue json_of_rung(const RungOutcome& rung) {
  JsonValue json = base::json_object();
  base::add_member(json, "name", base::json_of(rung.name));
  base::add_member(json, "configurations", json_of_count(rung.candidates));
  base::add_member(json, "points", json_of_count(rung.points));
  base::add_member(json, "failed", json_of_count(rung.failed));
  base::add_member(json, "skipped", json_of_count(rung.skipped));
  base::add_member(json, "reason", base::json_of(rung.reason));
  base::add_member(json, "run", base::json_of(rung.folder.string()));
  return json;
}

JsonValue number_or_null(double value) {
  return std::isfinite(value) ? base::json_of(value) : JsonValue();
}

JsonValue json_of_candidate(const SearchOutcome& outcome, std::optional<std::size_t> candidate) {
  return candidate ? base::json_of(outcome.candidates[*candidate].label) : JsonValue();
}

JsonValue json_of_found(const Sweep& sweep, const SearchOutcome& outcome,
                        const FoundCandidate& found) {
  JsonValue json = base::json_object();
  base::add_member(json, "label", json_of_candidate(outcome, found.candidate));
  JsonValue& points = base::add_member(json, "points", base::json_array());
  for (const std::size_t point : found.points) {
    points.items.push_back(base::json_of(sweep.points[point].id));
  }
  base::add_member(json, "feasible", base::json_of(found.is_feasible));
  base::add_member(json, "final", base::json_of(found.is_final));
  base::add_member(json, "on_front", base::json_of(found.is_on_front));
  JsonValue& warnings = base::add_member(json, "warnings", base::json_array());
  for (const std::string& warning : found.warnings)
    warnings.items.push_back(base::json_of(warning));
  JsonValue& figures = base::add_member(json, "figures", base::json_object());
  const std::vector<std::string> names = figures_of(outcome.goals);
  for (std::size_t i = 0; i < names.size(); ++i) {
    JsonValue& figure = base::add_member(figures, names[i], base::json_object());
    base::add_member(figure, "mean", number_or_null(found.figures[i].mean));
    base::add_member(figure, "ci95", number_or_null(found.figures[i].half_width));
    if (!found.confirmed.empty()) {
      base::add_member(figure, "flow", number_or_null(found.confirmed[i]));
    }
  }
  return json;
}

JsonValue json_of_left_out(const SearchOutcome& outcome, const BestLeftOut& left_out) {
  JsonValue json = base::json_object();
  base::add_member(json, "configurations", json_of_count(left_out.candidates));
  base::add_member(json, "best", json_of_candidate(outcome, left_out.best));
  base::add_member(json, "figure", number_or_null(left_out.figure));
  base::add_member(json, "is_bound", base::json_of(left_out.is_bound));
  return json;
}

JsonValue json_of_check(const SearchOutcome& outcome, const GridCheck& check) {
  JsonValue json = base::json_object();
  base::add_member(json, "configurations", json_of_count(check.candidates));
  JsonValue& objectives = base::add_member(json, "objectives", base::json_object());
  for (std::size_t i = 0; i < check.by_objective.size(); ++i) {
    const BestCheck& best = check.by_objective[i];
    JsonValue& entry =
        base::add_member(objectives, outcome.goals.objectives[i].figure, base::json_object());
    base::add_member(entry, "best", json_of_candidate(outcome, best.best));
    base::add_member(entry, "named", json_of_candidate(outcome, best.named));
    base::add_member(entry, "shortfall", number_or_null(best.shortfall));
  }
  base::add_member(json, "front", json_of_count(check.front));
  base::add_member(json, "front_found", json_of_count(check.front_found));
  base::add_member(json, "front_gap", number_or_null(check.front_gap));
  return json;
}

}  // namespace

std::string search_text(const Sweep& sweep, const SearchOutcome& outcome) {
  TextPage page;
  page.line("{}: {} points, {} configurations", sweep.name, outcome.num_points,
            outcome.candidates.size());
  page.line("wanted: {}{}", goals_text(outcome.goals),
            sweep.objectives.empty() ? "  (the experiment states no objectives)" : "");
  page.line("");
  write_effort(page, outcome);
  write_answers(page, outcome);
  write_left_out(page, outcome);
  write_check(page, outcome);
  return page.text();
}

JsonValue search_json(const Sweep& sweep, const SearchOutcome& outcome) {
  JsonValue json = base::json_object();
  base::add_member(json, "name", base::json_of(sweep.name));
  base::add_member(json, "wanted", base::json_of(goals_text(outcome.goals)));
  base::add_member(json, "points", json_of_count(outcome.num_points));
  base::add_member(json, "configurations", json_of_count(outcome.candidates.size()));
  JsonValue& screens = base::add_member(json, "screens", base::json_array());
  for (const RungOutcome& screen : outcome.screens) screens.items.push_back(json_of_rung(screen));
  base::add_member(json, "full", json_of_rung(outcome.full));
  base::add_member(json, "confirmation",
                   outcome.confirmation ? json_of_rung(*outcome.confirmation) : JsonValue());
  JsonValue& found = base::add_member(json, "found", base::json_array());
  for (const FoundCandidate& candidate : outcome.found) {
    found.items.push_back(json_of_found(sweep, outcome, candidate));
  }
  base::add_member(json, "left_out",
                   outcome.left_out ? json_of_left_out(outcome, *outcome.left_out) : JsonValue());
  base::add_member(json, "check",
                   outcome.check ? json_of_check(outcome, *outcome.check) : JsonValue());
  base::add_member(json, "interrupted", base::json_of(outcome.interrupted));
  return json;
}

}  // namespace moesim::experiments
