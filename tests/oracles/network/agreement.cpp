// SPDX-License-Identifier: Apache-2.0
#include "tests/oracles/network/agreement.h"

#include <algorithm>
#include <cmath>

#include "sim/network/network.h"
#include "tests/oracles/network/fabrics.h"
#include "tests/oracles/network/measure.h"

namespace moesim::testing {

std::vector<Agreement> agreements_of(int num_ranks, std::span<const Traffic> traffics) {
  std::vector<Agreement> agreements;
  for (const Fabric& fabric : fabrics_of(num_ranks)) {
    for (const Traffic traffic : traffics) {
      const sim::Collective collective = all_to_all_of(traffic, num_ranks, 1e6, 1);
      agreements.push_back({fabric.name, traffic, num_ranks,
                            end_of(sim::Fidelity::collective, fabric, collective),
                            end_of(sim::Fidelity::flow, fabric, collective)});
    }
  }
  return agreements;
}

Spread spread_of(std::span<const Agreement> agreements) {
  std::vector<double> sizes;
  for (const Agreement& agreement : agreements) sizes.push_back(std::abs(agreement.difference()));
  std::sort(sizes.begin(), sizes.end());
  return {sizes.at(sizes.size() / 2), sizes.back()};
}

}  // namespace moesim::testing
