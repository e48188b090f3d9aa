// SPDX-License-Identifier: Apache-2.0
// A source's choices as a counterfactual has them: balanced, or without drops.
#pragma once

#include <memory>

#include "sim/routing/routing_source.h"

namespace moesim::sim {

struct RoutingChange {
  bool balanced = false;  // see balance_choices()
  bool dropless = false;  // every pair that was chosen is kept
};

// `original` and what `context` names outlive it. Capacity acts on balanced choices as the router
// says, but what is over is dropped even under `next_best`: balanced choices have no scores.
// Choices of experts (expert_choice) are balanced by construction and are left as they are.
std::unique_ptr<RoutingSource> alter_routing(const RoutingSource& original,
                                             const RoutingContext& context,
                                             const RoutingChange& change);

}  // namespace moesim::sim
