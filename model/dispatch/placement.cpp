// SPDX-License-Identifier: Apache-2.0
#include "model/dispatch/placement.h"

#include <algorithm>

#include "base/check.h"

namespace moesim::model {

std::vector<int> Placement::experts_of_rank(int rank) const {
  std::vector<int> experts;
  for (int expert = 0; expert < num_experts(); ++expert) {
    const std::vector<int>& ranks = ranks_of_expert[expert];
    if (std::binary_search(ranks.begin(), ranks.end(), rank)) experts.push_back(expert);
  }
  return experts;
}

int Placement::serving_rank(int expert, int source, int token) const {
  const std::vector<int>& ranks = ranks_of_expert[expert];
  if (ranks.size() == 1) return ranks.front();
  if (std::binary_search(ranks.begin(), ranks.end(), source)) return source;
  return ranks[(static_cast<std::size_t>(source) + token) % ranks.size()];
}

Placement placement_of(int num_ranks, const std::vector<int>& rank_of_expert) {
  Placement placement{num_ranks, {}};
  for (const int rank : rank_of_expert) {
    CHECK(rank >= 0 && rank < num_ranks, "an expert is on a rank of its group");
    placement.ranks_of_expert.push_back({rank});
  }
  return placement;
}

}  // namespace moesim::model
