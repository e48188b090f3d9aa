// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/send_recv.h"

#include <algorithm>

#include "sim/collectives/participants.h"

namespace moesim::sim {

Collective send(int source, int destination, base::Bytes bytes) {
  Collective collective;
  collective.ranks = {std::min(source, destination), std::max(source, destination)};
  if (source == destination) collective.ranks.pop_back();
  collective.transfers = {{source, destination, bytes}};
  return collective;
}

Collective send_recv(const std::vector<int>& ranks, std::span<const base::Bytes> sizes) {
  const base::Bytes bytes = agreed_size("send_recv", ranks, sizes);
  Collective collective;
  collective.ranks = ranks;
  if (ranks.size() < 2) return collective;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    collective.transfers.push_back({ranks[i], ranks[(i + 1) % ranks.size()], bytes});
  }
  return collective;
}

}  // namespace moesim::sim
