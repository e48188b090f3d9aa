// SPDX-License-Identifier: Apache-2.0
// Which ranks of an expert-parallel group hold which expert. An expert may have replicas.
#pragma once

#include <vector>

namespace moesim::model {

struct Placement {
  int num_ranks = 0;                              // of the expert-parallel group
  std::vector<std::vector<int>> ranks_of_expert;  // [experts] at least one rank each, ascending

  int num_experts() const { return static_cast<int>(ranks_of_expert.size()); }
  // The rank's experts in ascending order.
  std::vector<int> experts_of_rank(int rank) const;
  // The rank that computes a pair of `source`'s token for `expert`: the source itself where it
  // holds the expert; otherwise its replicas in turn, by source and token.
  int serving_rank(int expert, int source, int token) const;

  bool operator==(const Placement&) const = default;
};

// One rank for each expert; `rank_of_expert` is [experts], each in [0, num_ranks).
Placement placement_of(int num_ranks, const std::vector<int>& rank_of_expert);

}  // namespace moesim::model
