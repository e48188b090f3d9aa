// SPDX-License-Identifier: Apache-2.0
// What a search is after, and how the points of a run meet it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "experiments/objectives.h"
#include "experiments/results/intervals.h"
#include "experiments/results/stored_run.h"
#include "experiments/search/candidates.h"
#include "experiments/search/standing.h"

namespace moesim::experiments {

struct Goals {
  std::vector<Objective> objectives;  // the first decides where several candidates are named best
  Constraints constraints;
};

// The sweep's goals; high tokens_per_s_per_gpu where it has no objectives.
Goals goals_of(const Sweep& sweep);

// The figures that the goals name, objectives before constraints, each once.
std::vector<std::string> figures_of(const Goals& goals);

// Rows of a run by their points' indices in the sweep.
class PointRows {
 public:
  explicit PointRows(const StoredRun& run);

  // Null where there is none, or none with status "ok".
  const StoredPoint* find(std::size_t index) const;
  // The figure over those of the points that have run: NaN without any.
  MeanInterval mean(const std::string& figure, std::span<const std::size_t> points) const;

 private:
  const StoredRun& run_;
  std::vector<const StoredPoint*> rows_;  // by index
};

// The goals' figures, each the mean over those of the points that have run; nothing where none has.
std::vector<double> figures_over(const Goals& goals, const PointRows& rows,
                                 std::span<const std::size_t> points);

// Throws base::Error, placed in the document, where candidates have figures and none of them has
// one that a goal names; of `figures` as figures_over() gives them.
void require_figures(const base::JsonValue& document, const Goals& goals,
                     const std::vector<std::vector<double>>& figures);

// How a candidate with these figures stands, as figures_of(goals) orders them; one without any has
// not run. Where `training_is_short` bounds are no verdicts yet: they are further objectives.
Standing standing_of(const Goals& goals, std::span<const double> figures, bool training_is_short);

}  // namespace moesim::experiments
