// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_reduce.h"

#include <array>

#include "base/named_table.h"
#include "sim/collectives/all_reduce/algorithms.h"
#include "sim/collectives/participants.h"

namespace moesim::sim {
namespace {

struct Algorithm {
  AllReduce id;
  const char* name;
  Collective (*build)(topologies::Router&, const std::vector<int>&, base::Bytes);
};

constexpr std::array<Algorithm, 5> kAlgorithms = {{
    {AllReduce::ring, "ring", reduce_round_the_ring},
    {AllReduce::hierarchical, "hierarchical", reduce_hierarchically},
    {AllReduce::tree, "tree", reduce_on_two_trees},
    {AllReduce::in_switch, "in_switch", reduce_in_switch},
    {AllReduce::halving_doubling, "halving_doubling", reduce_by_halves},
}};

}  // namespace

base::EnumNames<AllReduce> names_of(AllReduce) { return base::names_in(kAlgorithms); }

Collective all_reduce(AllReduce algorithm, topologies::Router& router,
                      const std::vector<int>& ranks, base::Bytes bytes) {
  Collective collective;
  if (ranks.size() > 1) {
    collective = base::row_of(kAlgorithms, algorithm).build(router, ranks, bytes);
  }
  collective.ranks = ranks;
  return collective;
}

Collective all_reduce(AllReduce algorithm, topologies::Router& router,
                      const std::vector<int>& ranks, std::span<const base::Bytes> sizes) {
  return all_reduce(algorithm, router, ranks, agreed_size("all_reduce", ranks, sizes));
}

}  // namespace moesim::sim
