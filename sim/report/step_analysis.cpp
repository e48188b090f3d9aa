// SPDX-License-Identifier: Apache-2.0
#include "sim/report/step_analysis.h"

#include <algorithm>
#include <vector>

namespace moesim::sim {
namespace {

using base::Seconds;

struct Interval {
  Seconds start;
  Seconds end;
};

// Calls visit(rank, label, interval) for every rank's part in every operation, in index order.
template <class Visit>
void each_span(const StepGraph& graph, const Timeline& timeline, const Visit& visit) {
  for (std::size_t index = 0; index < graph.ops.size(); ++index) {
    const Op& op = graph.ops[index];
    const OpTimes& times = timeline.ops[index];
    if (op.rank >= 0) {
      visit(op.rank, op, Interval{times.start, times.end});
      continue;
    }
    const std::vector<int>& ranks = graph.collectives[op.collective].ranks;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      visit(ranks[i], op, Interval{times.start, timeline.rank_end[op.collective][i]});
    }
  }
}

// Length of the union of intervals that are sorted by start.
Seconds covered(const std::vector<Interval>& sorted) {
  Seconds total;
  Seconds reached;
  for (const Interval& interval : sorted) {
    const Seconds start = std::max(interval.start, reached);
    if (interval.end > start) total += interval.end - start;
    reached = std::max(reached, interval.end);
  }
  return total;
}

bool starts_earlier(const Interval& a, const Interval& b) { return a.start < b.start; }

}  // namespace

Seconds PhaseTimes::total() const {
  Seconds sum = idle;
  for (const Seconds time : phases) sum += time;
  return sum;
}

int latest_predecessor(const StepGraph& graph, const Timeline& timeline, int op) {
  int latest = -1;
  for (int i = graph.first_predecessor[op]; i < graph.first_predecessor[op + 1]; ++i) {
    const int predecessor = graph.predecessors[i];
    if (latest < 0 || timeline.ops[predecessor].end > timeline.ops[latest].end) {
      latest = predecessor;
    }
  }
  return latest;
}

std::vector<int> critical_ops(const StepGraph& graph, const Timeline& timeline) {
  std::vector<int> chain;
  int op = graph.ops.empty() ? -1 : 0;
  for (int i = 0; i < static_cast<int>(graph.ops.size()); ++i) {
    if (timeline.ops[i].end > timeline.ops[op].end) op = i;
  }
  for (; op >= 0; op = latest_predecessor(graph, timeline, op)) chain.push_back(op);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

PhaseTimes critical_path(const StepGraph& graph, const Timeline& timeline) {
  PhaseTimes times;
  Seconds reached;
  for (const int op : critical_ops(graph, timeline)) {
    const OpTimes& span = timeline.ops[op];
    times[graph.ops[op].label.phase] += span.end - span.start;
    times.idle += span.start - reached;
    reached = span.end;
  }
  return times;
}

PhaseTimes mean_rank_times(const StepGraph& graph, const Timeline& timeline) {
  PhaseTimes times;
  Seconds busy;
  each_span(graph, timeline, [&](int, const Op& op, const Interval& span) {
    times[op.label.phase] += span.end - span.start;
    busy += span.end - span.start;
  });
  const double ranks = std::max<double>(1, static_cast<double>(graph.ranks.size()));
  for (Seconds& time : times.phases) time = time / ranks;
  // Rounding can leave a trace below zero where nobody waits.
  times.idle = std::max(timeline.end - busy / ranks, Seconds(0));
  return times;
}

Overlap overlap_of(const StepGraph& graph, const Timeline& timeline) {
  std::vector<std::vector<Interval>> compute(graph.num_ranks);
  std::vector<std::vector<Interval>> communication(graph.num_ranks);
  each_span(graph, timeline, [&](int rank, const Op& op, const Interval& span) {
    (op.rank >= 0 ? compute : communication)[rank].push_back(span);
  });
  Seconds exposed, communicated, hidden;
  for (const int rank : graph.ranks) {
    std::stable_sort(compute[rank].begin(), compute[rank].end(), starts_earlier);
    std::stable_sort(communication[rank].begin(), communication[rank].end(), starts_earlier);
    std::vector<Interval> both = compute[rank];
    both.insert(both.end(), communication[rank].begin(), communication[rank].end());
    std::stable_sort(both.begin(), both.end(), starts_earlier);
    const Seconds computed = covered(compute[rank]);
    const Seconds moved = covered(communication[rank]);
    exposed += std::max(timeline.end - computed, Seconds(0));
    communicated += moved;
    hidden += computed + moved - covered(both);
  }
  Overlap overlap;
  overlap.exposed = exposed / std::max<double>(1, static_cast<double>(graph.ranks.size()));
  // Sums of many spans round; a schedule without overlap has exactly none.
  const double fraction = communicated.value == 0 ? 0.0 : hidden / communicated;
  overlap.fraction = fraction < 1e-9 ? 0.0 : fraction;
  return overlap;
}

}  // namespace moesim::sim
