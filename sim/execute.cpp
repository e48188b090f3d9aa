// SPDX-License-Identifier: Apache-2.0
#include "sim/execute.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/check.h"

namespace moesim::sim {
namespace {

using base::Seconds;

constexpr int kProgressEvery = 256;  // operations

class Executor {
 public:
  // `on_end` is called at the end of each operation.
  Executor(const TimedGraph& timed, Network& network, const ComputeSpeed* speed,
           std::function<void()> on_end)
      : graph_(*timed.graph),
        network_(network),
        speed_(speed),
        on_end_(std::move(on_end)),
        origin_(network.now() + timed.start) {
    const StepGraph& graph = graph_;
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

  // To be called at the graph's start.
  void begin() {
    for (std::size_t op = 0; op < graph_.ops.size(); ++op) {
      if (graph_.first_predecessor[op] == graph_.first_predecessor[op + 1]) {
        start(static_cast<int>(op));
      }
    }
  }

  // After the network has run.
  Timeline take() {
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
      const Seconds duration =
          speed_ == nullptr ? op.duration : speed_->duration(op.rank, network_.now(), op.duration);
      network_.after(duration, [this, index] { finish(index); });
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
    on_end_();
    for (int i = first_successor_[index]; i < first_successor_[index + 1]; ++i) {
      if (--waiting_for_[successors_[i]] == 0) start(successors_[i]);
    }
  }

  const StepGraph& graph_;
  Network& network_;
  const ComputeSpeed* speed_;
  std::function<void()> on_end_;
  Seconds origin_;
  Timeline timeline_;
  std::vector<int> waiting_for_;      // [op] predecessors that have not ended
  std::vector<int> first_successor_;  // [op + 1]
  std::vector<int> successors_;
  int ended_ = 0;
};

}  // namespace

std::vector<Timeline> execute(std::span<const TimedGraph> graphs, Network& network,
                              const ExecuteOptions& options) {
  for (const TimedGraph& timed : graphs) network.prepare(timed.graph->collectives);
  int all = 0;
  for (const TimedGraph& timed : graphs) all += static_cast<int>(timed.graph->ops.size());
  int done = 0;
  const auto on_end = [&] {
    if (++done % kProgressEvery == 0 && options.progress) options.progress(done, all);
  };
  std::vector<std::unique_ptr<Executor>> executors;
  for (const TimedGraph& timed : graphs) {
    executors.push_back(std::make_unique<Executor>(timed, network, options.speed, on_end));
    Executor& executor = *executors.back();
    if (timed.start.value > 0) {
      network.after(timed.start, [&executor] { executor.begin(); });
    } else {
      executor.begin();
    }
  }
  network.run();
  std::vector<Timeline> timelines;
  for (const auto& executor : executors) timelines.push_back(executor->take());
  return timelines;
}

Timeline execute(const StepGraph& graph, Network& network, const ExecuteOptions& options) {
  const TimedGraph timed{&graph, Seconds(0)};
  return std::move(execute(std::span(&timed, 1), network, options).front());
}

}  // namespace moesim::sim
