// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_gather.h"

#include <array>

#include "base/named_table.h"
#include "sim/collectives/block_exchange.h"
#include "sim/collectives/participants.h"

namespace moesim::sim {
namespace {

struct Algorithm {
  AllGather id;
  const char* name;
  Collective (*build)(topologies::Router&, const std::vector<int>&, base::Bytes);
};

constexpr std::array<Algorithm, 2> kAlgorithms = {{
    {AllGather::ring, "ring", blocks_round_the_ring},
    {AllGather::direct, "direct", blocks_to_everyone},
}};

}  // namespace

base::EnumNames<AllGather> names_of(AllGather) { return base::names_in(kAlgorithms); }

Collective all_gather(AllGather algorithm, topologies::Router& router,
                      const std::vector<int>& ranks, std::span<const base::Bytes> sizes) {
  const base::Bytes block = agreed_size("all_gather", ranks, sizes);
  return base::row_of(kAlgorithms, algorithm).build(router, ranks, block);
}

}  // namespace moesim::sim
