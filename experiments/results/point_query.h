// SPDX-License-Identifier: Apache-2.0
// A question to a run: which of its points, in which order, with which of their figures.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "experiments/results/result_table.h"

namespace moesim::experiments {

struct PointQuery {
  std::vector<std::string> columns;  // figures; empty: the ones that most ask for
  std::string sort = "step_time_s";  // an axis, a figure or "index"; points without it come last
  bool descending = false;
  std::size_t limit = 0;           // rows; 0: all
  std::vector<std::string> where;  // "router.seed=3"
  std::string status;              // "" for all
  std::vector<std::string> over;   // axes to average over
};

struct QueryTable {
  std::vector<std::string> headers;
  std::vector<TableRow> rows;  // [headers]
  std::size_t num_found = 0;   // rows without the limit
};

// One row for each point that is asked for: index, swept axes, figures, and, where any of them is
// not "ok", status and reason. With `over` one for each combination of the other axes, over its
// points with status "ok": axes, count, each figure's mean, and, where all of `over` are seeds, its
// 95 % confidence interval's half width as "<figure>_ci95" (intervals.h); else, where points are no
// repetitions, the least and the most as "<figure>_min" and "<figure>_max". Throws base::Error at
// the flag that names what is not there.
QueryTable query_points(const StoredRun& run, const PointQuery& query);

}  // namespace moesim::experiments
