// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/broadcast.h"

#include <algorithm>
#include <array>

#include "base/named_table.h"
#include "sim/collectives/participants.h"

namespace moesim::sim {
namespace {

Collective ring(topologies::Router& router, const std::vector<int>& ranks, base::Bytes bytes) {
  Collective collective;
  base::Seconds step;
  for (std::size_t i = 1; i < ranks.size(); ++i) {
    collective.transfers.push_back({ranks[i - 1], ranks[i], bytes});
    step = std::max(step, router.latency(ranks[i - 1], ranks[i]));
  }
  if (ranks.size() < 3) return collective;
  // The network charges the first hop's latency and time.
  const auto others = static_cast<int>(ranks.size()) - 2;
  collective.protocol_latency = static_cast<double>(others) * step;
  collective.pipeline.push_back({collective.transfers.back(), others});
  return collective;
}

Collective binomial(topologies::Router&, const std::vector<int>& ranks, base::Bytes bytes) {
  Collective collective;
  for (std::size_t holders = 1; holders < ranks.size(); holders *= 2) {
    for (std::size_t i = 0; i < holders && i + holders < ranks.size(); ++i) {
      collective.transfers.push_back({ranks[i], ranks[i + holders], bytes});
    }
    collective.rounds.push_back({collective.transfers.size(), {}});
  }
  return collective;
}

struct Algorithm {
  Broadcast id;
  const char* name;
  Collective (*build)(topologies::Router&, const std::vector<int>&, base::Bytes);
};

constexpr std::array<Algorithm, 2> kAlgorithms = {{
    {Broadcast::ring, "ring", ring},
    {Broadcast::binomial, "binomial", binomial},
}};

}  // namespace

base::EnumNames<Broadcast> names_of(Broadcast) { return base::names_in(kAlgorithms); }

Collective broadcast(Broadcast algorithm, topologies::Router& router, const std::vector<int>& ranks,
                     std::span<const base::Bytes> sizes) {
  const base::Bytes bytes = agreed_size("broadcast", ranks, sizes);
  Collective collective = base::row_of(kAlgorithms, algorithm).build(router, ranks, bytes);
  collective.ranks = ranks;
  return collective;
}

}  // namespace moesim::sim
