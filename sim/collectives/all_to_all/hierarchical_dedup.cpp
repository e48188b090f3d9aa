// SPDX-License-Identifier: Apache-2.0
// hierarchical_dedup: one copy per (token, destination node) crosses the fabric to the rank with
// the sender's local index there (the node's first of the group where there is none), which
// forwards one copy per (token, rank) over the scale-up link; the combine goes the same way back,
// summed at each stop (DeepEP, github deepseek-ai/DeepEP, README, normal kernels). Both stages are
// pipelined, so they load their links at the same time; the second one's latency is left out, and
// with chunks of some size it begins one chunk late.
#include "base/check.h"
#include "sim/collectives/all_to_all/algorithms.h"

namespace moesim::sim {
namespace {

// The forwarding stage as its largest message.
class Forwarding {
 public:
  void add(int from, int to, base::Bytes bytes) {
    if (from == to || bytes <= bytes_) return;
    from_ = from;
    to_ = to;
    bytes_ = bytes;
  }

  void add_to(Schedule& schedule) const {
    if (bytes_.value > 0) schedule.add_stage(from_, to_, bytes_);
  }

 private:
  int from_ = 0;
  int to_ = 0;
  base::Bytes bytes_;
};

}  // namespace

void send_hierarchical_dedup(const Exchange& exchange, Schedule& schedule) {
  CHECK(exchange.plan != nullptr, "copies of one token are known");
  const Group& group = exchange.group;
  const DispatchPlan& plan = *exchange.plan;
  const auto gateway = gateways(group);
  Forwarding forwarding;
  for (int source = 0; source < plan.num_ranks; ++source) {
    const int home = group.layout.node_of_rank[source];
    const std::vector<int>& entry = gateway[group.local_index[source]];
    for (int node = 0; node < plan.num_nodes; ++node) {
      if (node == home) continue;
      schedule.send(source, entry[node],
                    plan.node_copies[source * plan.num_nodes + node] * exchange.message_bytes);
    }
    for (int destination = 0; destination < plan.num_ranks; ++destination) {
      const int node = group.layout.node_of_rank[destination];
      const base::Bytes bytes =
          plan.rank_copies[source * plan.num_ranks + destination] * exchange.message_bytes;
      if (node != home) forwarding.add(entry[node], destination, bytes);
      schedule.send(node == home ? source : entry[node], destination, bytes);
    }
  }
  forwarding.add_to(schedule);
}

}  // namespace moesim::sim
