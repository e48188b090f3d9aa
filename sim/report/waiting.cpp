// SPDX-License-Identifier: Apache-2.0
#include "sim/report/waiting.h"

#include <algorithm>

#include "sim/report/step_analysis.h"

namespace moesim::sim {
namespace {

using base::Seconds;

// The clock of a simulation rounds; a fault slows an operation by more than this.
constexpr double kRounding = 1e-6;

// What of the time of a computation it would have taken without faults.
double full_speed_share(const Op& op, const OpTimes& span) {
  const Seconds took = span.end - span.start;
  return op.duration >= took * (1 - kRounding) ? 1.0 : op.duration / took;
}

class Days {
 public:
  Days(const StepGraph& graph, const Timeline& timeline)
      : graph_(graph), timeline_(timeline), place_(graph.num_ranks, -1) {
    for (const int rank : graph.ranks) {
      place_[rank] = static_cast<int>(waiting_.days.size());
      waiting_.days.emplace_back().rank = rank;
    }
    waiting_.waited_for.resize(graph.ranks.size());
    reached_.resize(graph.ranks.size());
  }

  Waiting run() {
    for (std::size_t op = 0; op < graph_.ops.size(); ++op) account(static_cast<int>(op));
    const std::vector<int> path = critical_ops(graph_, timeline_);
    for (std::size_t place = 0; place < reached_.size(); ++place) {
      if (!path.empty()) explain_gap(place, timeline_.end, path.back());
    }
    const auto ranks = static_cast<double>(std::max<std::size_t>(1, graph_.ranks.size()));
    for (Seconds& time : waiting_.waited_for) time = time / ranks;
    return std::move(waiting_);
  }

 private:
  void account(int index) {
    const Op& op = graph_.ops[index];
    const OpTimes& span = timeline_.ops[index];
    const int before = latest_predecessor(graph_, timeline_, index);
    if (op.rank >= 0) {
      const std::size_t place = place_[op.rank];
      explain_gap(place, span.start, before);
      const Seconds took = span.end - span.start;
      const double full_speed = full_speed_share(op, span);
      waiting_.days[place].computing += took * full_speed;
      waiting_.days[place].slowed_by_faults += took * (1 - full_speed);
      reached_[place] = span.end;
      return;
    }
    const std::vector<int>& ranks = graph_.collectives[op.collective].ranks;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      const std::size_t place = place_[ranks[i]];
      explain_gap(place, span.start, before);
      const Seconds end = timeline_.rank_end[op.collective][i];
      waiting_.days[place].communicating += end - span.start;
      reached_[place] = end;
    }
  }

  // What the chain that ends with `op` does from where the rank's day has come to until `until`.
  void explain_gap(std::size_t place, Seconds until, int op) {
    const Seconds from = reached_[place];
    while (op >= 0 && timeline_.ops[op].end > from) {
      const OpTimes& span = timeline_.ops[op];
      const Seconds shared = std::min(span.end, until) - std::max(span.start, from);
      if (shared.value > 0) add_wait(place, graph_.ops[op], span, shared);
      op = latest_predecessor(graph_, timeline_, op);
    }
    reached_[place] = std::max(from, until);
  }

  void add_wait(std::size_t place, const Op& op, const OpTimes& span, Seconds shared) {
    RankDay& day = waiting_.days[place];
    if (op.rank < 0) {
      day.waiting_for_network += shared;
      return;
    }
    const double full_speed = full_speed_share(op, span);
    day.waiting_for_compute += shared * full_speed;
    day.waiting_for_faults += shared * (1 - full_speed);
    waiting_.waited_for[place_[op.rank]] += shared;
  }

  const StepGraph& graph_;
  const Timeline& timeline_;
  std::vector<int> place_;        // [rank] in days
  std::vector<Seconds> reached_;  // [days] how far each is accounted for
  Waiting waiting_;
};

}  // namespace

Waiting waiting_of(const StepGraph& graph, const Timeline& timeline) {
  return Days(graph, timeline).run();
}

}  // namespace moesim::sim
