// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_to_all.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/check.h"
#include "base/named_table.h"

namespace moesim::sim {
namespace {

using topologies::Transfer;

// Appends messages of the dispatch direction; the combine turns each round.
class Messages {
 public:
  Messages(const Group& group, Direction direction, base::Bytes bytes_per_row)
      : group_(group), direction_(direction), bytes_per_row_(bytes_per_row) {}

  // `rows` rows from group position `from` to group position `to`, as the dispatch sends them.
  void add(int from, int to, int rows) {
    if (rows == 0) return;
    int source = group_.ranks[from];
    int destination = group_.ranks[to];
    if (direction_ == Direction::from_experts) std::swap(source, destination);
    transfers_.push_back({source, destination, rows * bytes_per_row_});
  }

  std::vector<Transfer> take() { return std::move(transfers_); }

 private:
  const Group& group_;
  Direction direction_;
  base::Bytes bytes_per_row_;
  std::vector<Transfer> transfers_;
};

void send_direct(const Group&, const DispatchPlan& plan, Messages& messages) {
  for (int source = 0; source < plan.num_ranks; ++source) {
    for (int destination = 0; destination < plan.num_ranks; ++destination) {
      messages.add(source, destination, plan.rows[source * plan.num_ranks + destination]);
    }
  }
}

// [local index of the sender][node] -> the group position that takes in its copies there: the same
// local index where the group has it, else the node's first rank of the group.
std::vector<std::vector<int>> gateways(const Group& group) {
  const int most = *std::max_element(group.local_index.begin(), group.local_index.end());
  std::vector<int> first(group.layout.num_nodes, -1);
  for (int position = static_cast<int>(group.ranks.size()) - 1; position >= 0; --position) {
    first[group.layout.node_of_rank[position]] = position;
  }
  std::vector<std::vector<int>> table(most + 1, first);
  for (int position = 0; position < static_cast<int>(group.ranks.size()); ++position) {
    table[group.local_index[position]][group.layout.node_of_rank[position]] = position;
  }
  return table;
}

void send_dedup(const Group& group, const DispatchPlan& plan, Messages& messages) {
  const auto gateway = gateways(group);
  for (int source = 0; source < plan.num_ranks; ++source) {
    const int home = group.layout.node_of_rank[source];
    const std::vector<int>& entry = gateway[group.local_index[source]];
    for (int node = 0; node < plan.num_nodes; ++node) {
      if (node != home) {
        messages.add(source, entry[node], plan.node_copies[source * plan.num_nodes + node]);
      }
    }
    for (int destination = 0; destination < plan.num_ranks; ++destination) {
      const int node = group.layout.node_of_rank[destination];
      const int from = node == home ? source : entry[node];
      messages.add(from, destination, plan.rank_copies[source * plan.num_ranks + destination]);
    }
  }
}

struct Algorithm {
  AllToAll id;
  const char* name;
  void (*send)(const Group&, const DispatchPlan&, Messages&);
};

constexpr std::array<Algorithm, 2> kAlgorithms = {{
    {AllToAll::direct, "direct", send_direct},
    {AllToAll::hierarchical_dedup, "hierarchical_dedup", send_dedup},
}};

}  // namespace

base::EnumNames<AllToAll> names_of(AllToAll) { return base::names_in(kAlgorithms); }

base::EnumNames<WireType> names_of(WireType) {
  return {{WireType::bf16, "bf16"}, {WireType::fp8, "fp8"}};
}

base::Bytes row_bytes(WireType type, int hidden_size) {
  if (type == WireType::bf16) return base::Bytes(2.0 * hidden_size);
  const int scales = (hidden_size + 127) / 128;
  return base::Bytes(hidden_size + 4.0 * scales);
}

Collective all_to_all(AllToAll algorithm, const Group& group, const DispatchPlan& plan,
                      Direction direction, base::Bytes bytes_per_row) {
  CHECK(static_cast<int>(group.ranks.size()) == plan.num_ranks, "the plan is the group's");
  Messages messages(group, direction, bytes_per_row);
  base::row_of(kAlgorithms, algorithm).send(group, plan, messages);
  Collective collective;
  collective.ranks = group.ranks;
  collective.transfers = messages.take();
  const auto pairs = std::accumulate(plan.rows.begin(), plan.rows.end(), std::int64_t{0});
  collective.payload = static_cast<double>(pairs) * bytes_per_row;
  return collective;
}

}  // namespace moesim::sim
