// SPDX-License-Identifier: Apache-2.0
#include "sim/execute.h"

#include <algorithm>

#include "base/check.h"

namespace moesim::sim {
namespace {

using base::Seconds;

constexpr int kProgressEvery = 256;  // operations

class Executor {
 public:
  Executor(const StepGraph& graph, Network& network, const std::function<void(int, int)>& progress)
      : graph_(graph), network_(network), progress_(progress), origin_(network.now()) {
    const std::size_t count = graph.ops.size();
    timeline_.ops.resize(count);
    timeline_.rank_end.resize(graph.collectives.size());
    waiting_for_.resize(count);
    first_successor_.assign(count + 1, 0);
    for (const int predecessor : graph.predecessors) ++first_successor_[predecessor + 1];
    for (std::size_t op = 0; op < count; ++op) first_successor_[op + 1] += first_successor_[op];
    successors_.resize(graph.predecessors.size());
    std::vector<int> next(first_successor_.begin(), first_successor_.end() - 1);
    for (std::size_t op = 0; op < count; ++op) {
      const int first = graph.first_predecessor[op];
      waiting_for_[op] = graph.first_predecessor[op + 1] - first;
      for (int i = 0; i < waiting_for_[op]; ++i) {
        successors_[next[graph.predecessors[first + i]]++] = static_cast<int>(op);
      }
    }
  }

  Timeline run() {
    for (std::size_t op = 0; op < graph_.ops.size(); ++op) {
      if (graph_.first_predecessor[op] == graph_.first_predecessor[op + 1]) {
        start(static_cast<int>(op));
      }
    }
    network_.run();
    CHECK(ended_ == static_cast<int>(graph_.ops.size()), "every operation ends");
    timeline_.links = network_.link_use();
    for (LinkUse& use : timeline_.links) {
      for (Seconds& time : use.times) time -= origin_;
    }
    return std::move(timeline_);
  }

 private:
  Seconds now() const { return network_.now() - origin_; }

  void start(int index) {
    const Op& op = graph_.ops[index];
    timeline_.ops[index].start = now();
    if (op.rank >= 0) {
      network_.after(op.duration, [this, index] { finish(index); });
      return;
    }
    network_.start(graph_.collectives[op.collective], [this, index](const CollectiveEnd& end) {
      std::vector<Seconds>& rank_end = timeline_.rank_end[graph_.ops[index].collective];
      rank_end = end.rank_end;
      for (Seconds& time : rank_end) time -= origin_;
      finish(index);
    });
  }

  void finish(int index) {
    timeline_.ops[index].end = now();
    timeline_.end = std::max(timeline_.end, now());
    ++ended_;
    if (progress_ && ended_ % kProgressEvery == 0) {
      progress_(ended_, static_cast<int>(graph_.ops.size()));
    }
    for (int i = first_successor_[index]; i < first_successor_[index + 1]; ++i) {
      if (--waiting_for_[successors_[i]] == 0) start(successors_[i]);
    }
  }

  const StepGraph& graph_;
  Network& network_;
  const std::function<void(int, int)>& progress_;
  Seconds origin_;
  Timeline timeline_;
  std::vector<int> waiting_for_;      // [op] predecessors that have not ended
  std::vector<int> first_successor_;  // [op + 1]
  std::vector<int> successors_;
  int ended_ = 0;
};

}  // namespace

Timeline execute(const StepGraph& graph, Network& network,
                 const std::function<void(int, int)>& progress) {
  return Executor(graph, network, progress).run();
}

}  // namespace moesim::sim
