// SPDX-License-Identifier: Apache-2.0
// What a step would take if one or more of the things that cost it time were not there
// (docs/models.md, "Compare and explain"). The same batch: no choice is drawn anew.
#pragma once

#include <compare>

namespace moesim::sim {

struct Counterfactual {
  // Every expert gets its equal share of each source rank's pairs; as few choices as possible are
  // changed, and drops are those that the capacity makes of the balanced batch.
  bool balanced_routing = false;
  bool infinite_network = false;   // collectives move nothing and wait for nothing but their ranks
  bool infinite_compute = false;   // no operation takes time
  bool no_capacity_limit = false;  // every pair that was chosen is kept
  // Each layer's experts lie so that ranks' kept pairs are as even as even_placement() gets them,
  // as many on each rank as before. Without effect where routing is balanced.
  bool ideal_placement = false;

  bool operator==(const Counterfactual&) const = default;
  auto operator<=>(const Counterfactual&) const = default;
};

}  // namespace moesim::sim
