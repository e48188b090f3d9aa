// SPDX-License-Identifier: Apache-2.0
// Max-min fair sharing by progressive filling (Bertsekas and Gallager, Data Networks, section 6.5),
// from first principles and without SimGrid: the oracle of fidelity `flow`.
#pragma once

#include <vector>

namespace moesim::testing {

struct Flow {
  std::vector<int> links;
  double bytes = 0;
  double start_s = 0;
  // Flows that must have ended before it: it moves `start_s` after the last of them.
  std::vector<int> after = {};
  // Flows that share a link get rates in proportion to their weights. A way of a split message
  // has the message's share as its weight.
  double weight = 1;
};

// [flows] when each flow ends, in seconds. `capacities` [links] in bytes per second.
// Throws std::runtime_error when flows wait for each other in a circle.
std::vector<double> max_min_ends(const std::vector<double>& capacities,
                                 const std::vector<Flow>& flows);

}  // namespace moesim::testing
