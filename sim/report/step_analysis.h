// SPDX-License-Identifier: Apache-2.0
// Where the time of an executed step went.
#pragma once

#include <array>
#include <vector>

#include "sim/report/timeline.h"
#include "sim/step/step_graph.h"

namespace moesim::sim {

struct PhaseTimes {
  std::array<base::Seconds, kNumPhases> phases{};
  base::Seconds idle;

  base::Seconds& operator[](Phase phase) { return phases[static_cast<std::size_t>(phase)]; }
  base::Seconds total() const;
};

// The chain of operations that decides the end: from the last to end back over each one's latest
// predecessor. Indices of StepGraph::ops, in the order of time.
std::vector<int> critical_ops(const StepGraph& graph, const Timeline& timeline);

// The predecessor of an operation that ends last, the first of equal ones; -1 where it has none.
int latest_predecessor(const StepGraph& graph, const Timeline& timeline, int op);

// The phases of critical_ops. Gaps count as idle; the total is the timeline's end.
PhaseTimes critical_path(const StepGraph& graph, const Timeline& timeline);

// Mean over ranks: computations for their duration, collectives from their start to the end of the
// rank's own traffic; the rest, waiting, is idle. The total is the timeline's end.
PhaseTimes mean_rank_times(const StepGraph& graph, const Timeline& timeline);

struct Overlap {
  base::Seconds exposed;  // mean over ranks: time that no computation of the rank covers
  double fraction = 0;    // communication time that computation covers / communication time
};
Overlap overlap_of(const StepGraph& graph, const Timeline& timeline);

}  // namespace moesim::sim
