// SPDX-License-Identifier: Apache-2.0
// Routing drawn from a distribution over experts: every token of every layer draws its own top-k.
#pragma once

#include <memory>

#include "sim/routing/routing_source.h"

namespace moesim::sim {

std::unique_ptr<RoutingSource> make_synthetic_routing(const SyntheticSettings& settings,
                                                      const RoutingContext& context);

// Relative weights of the experts in one layer and micro-batch, [experts] (docs/models.md).
std::vector<double> expert_weights(const SyntheticSettings& settings, std::uint64_t seed,
                                   const RoutingDemand& demand, int micro_batch, int layer);

// Tokens that a rank holds: all the same but for w4 (from half to one and a half times the mean, in
// rank order within the group) and w5 (none on the hot rank).
int tokens_of_rank(const SyntheticSettings& settings, const RoutingDemand& demand, int rank);

}  // namespace moesim::sim
