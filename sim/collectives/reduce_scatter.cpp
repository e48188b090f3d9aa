// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/reduce_scatter.h"

#include <array>

#include "base/named_table.h"
#include "sim/collectives/block_exchange.h"
#include "sim/collectives/participants.h"

namespace moesim::sim {
namespace {

struct Algorithm {
  ReduceScatter id;
  const char* name;
  Collective (*build)(topologies::Router&, const std::vector<int>&, base::Bytes);
};

constexpr std::array<Algorithm, 2> kAlgorithms = {{
    {ReduceScatter::ring, "ring", blocks_round_the_ring},
    {ReduceScatter::direct, "direct", blocks_to_everyone},
}};

}  // namespace

base::EnumNames<ReduceScatter> names_of(ReduceScatter) { return base::names_in(kAlgorithms); }

Collective reduce_scatter(ReduceScatter algorithm, topologies::Router& router,
                          const std::vector<int>& ranks, std::span<const base::Bytes> sizes) {
  const base::Bytes buffer = agreed_size("reduce_scatter", ranks, sizes);
  const base::Bytes block = buffer / static_cast<double>(ranks.size());
  return base::row_of(kAlgorithms, algorithm).build(router, ranks, block);
}

}  // namespace moesim::sim
