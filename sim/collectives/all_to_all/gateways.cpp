// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sim/collectives/all_to_all/algorithms.h"

namespace moesim::sim {

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

}  // namespace moesim::sim
