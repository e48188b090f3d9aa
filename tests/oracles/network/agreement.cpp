// SPDX-License-Identifier: Apache-2.0
#include "tests/oracles/network/agreement.h"

#include <algorithm>
#include <cmath>

#include "sim/network/network.h"
#include "tests/oracles/network/measure.h"

namespace moesim::testing {

Agreement agreement_of(const Fabric& fabric, Traffic traffic, int num_ranks) {
  const sim::Collective collective = all_to_all_of(traffic, num_ranks, 1e6, 1);
  return {fabric.name, traffic, num_ranks, end_of(sim::Fidelity::collective, fabric, collective),
          end_of(sim::Fidelity::flow, fabric, collective)};
}

bool is_quick(const Fabric& fabric, int num_ranks) {
  const bool sprays = fabric.routing.policy == topologies::RoutingPolicy::spray;
  return num_ranks <= (sprays ? 64 : 128);
}

Spread spread_of(std::span<const Agreement> agreements) {
  std::vector<double> sizes;
  for (const Agreement& agreement : agreements) sizes.push_back(std::abs(agreement.difference()));
  std::sort(sizes.begin(), sizes.end());
  return {sizes.at(sizes.size() / 2), sizes.back()};
}

}  // namespace moesim::testing
