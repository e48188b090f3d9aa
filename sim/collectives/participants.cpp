// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/participants.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/check.h"
#include "base/error.h"

namespace moesim::sim {
namespace {

constexpr std::size_t kMostNamed = 8;  // ranks in an error

// The size that most ranks bring, the one met first among equals.
base::Bytes most_common(std::span<const base::Bytes> sizes) {
  std::map<double, int> count;
  for (const base::Bytes size : sizes) ++count[size.value];
  base::Bytes common = sizes[0];
  for (const base::Bytes size : sizes) {
    if (count[size.value] > count[common.value]) common = size;
  }
  return common;
}

// "rank 3 (16 B), rank 5 (8 B) and 2 more"
std::string name_ranks(const std::vector<int>& ranks, std::span<const base::Bytes> sizes,
                       const std::vector<std::size_t>& positions) {
  std::string text;
  for (std::size_t i = 0; i < std::min(positions.size(), kMostNamed); ++i) {
    if (i > 0) text += ", ";
    text += "rank " + std::to_string(ranks[positions[i]]) + " (" +
            base::to_text(sizes[positions[i]]) + ")";
  }
  if (positions.size() > kMostNamed) {
    text += " and " + std::to_string(positions.size() - kMostNamed) + " more";
  }
  return text;
}

}  // namespace

Group group_of(const topologies::Cluster& cluster, std::vector<int> ranks) {
  CHECK(std::is_sorted(ranks.begin(), ranks.end()) &&
            std::adjacent_find(ranks.begin(), ranks.end()) == ranks.end(),
        "ranks ascend and are distinct");
  std::vector<int> local(static_cast<std::size_t>(cluster.num_ranks()));
  std::map<int, int> ranks_of_node;
  for (int rank = 0; rank < cluster.num_ranks(); ++rank) {
    local[rank] = ranks_of_node[cluster.node_of_rank(rank)]++;
  }
  Group group;
  std::map<int, int> number_of_node;  // within the group
  for (const int rank : ranks) {
    const int next = static_cast<int>(number_of_node.size());
    group.layout.node_of_rank.push_back(
        number_of_node.emplace(cluster.node_of_rank(rank), next).first->second);
    group.local_index.push_back(local[rank]);
  }
  group.layout.num_nodes = static_cast<int>(number_of_node.size());
  group.ranks = std::move(ranks);
  return group;
}

base::Bytes agreed_size(const std::string& collective, const std::vector<int>& ranks,
                        std::span<const base::Bytes> sizes) {
  if (sizes.size() != ranks.size() || sizes.empty()) {
    throw base::Error(
        collective,
        std::to_string(sizes.size()) + " sizes for " + std::to_string(ranks.size()) + " ranks",
        "give one for each of at least one rank");
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (std::isfinite(sizes[i].value) && sizes[i].value >= 0) continue;
    throw base::Error(collective,
                      "the size of rank " + std::to_string(ranks[i]) + " is no number of bytes",
                      "a size is finite and at least 0");
  }
  const base::Bytes common = most_common(sizes);
  std::vector<std::size_t> differing;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] != common) differing.push_back(i);
  }
  if (differing.empty()) return common;
  throw base::Error(collective,
                    "ranks disagree on its size: " + name_ranks(ranks, sizes, differing) +
                        " against " + base::to_text(common) + " of the others",
                    "give every rank the same size; real machines would hang or corrupt data");
}

std::vector<std::vector<int>> ranks_by_node(const topologies::Cluster& cluster,
                                            const std::vector<int>& ranks) {
  std::map<int, std::vector<int>> nodes;
  for (const int rank : ranks) nodes[cluster.node_of_rank(rank)].push_back(rank);
  std::vector<std::vector<int>> rows;
  rows.reserve(nodes.size());
  for (const auto& [node, members] : nodes) rows.push_back(members);
  return rows;
}

base::Seconds add_ring(topologies::Router& router, const std::vector<int>& ranks, base::Bytes bytes,
                       std::vector<topologies::Transfer>& transfers) {
  base::Seconds slowest;
  if (ranks.size() < 2) return slowest;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const int next = ranks[(i + 1) % ranks.size()];
    transfers.push_back({ranks[i], next, bytes});
    slowest = std::max(slowest, router.latency(ranks[i], next));
  }
  return slowest;
}

}  // namespace moesim::sim
