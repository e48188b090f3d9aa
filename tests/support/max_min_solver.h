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
  // [links] the part of its bytes that crosses each link, as a message split over several ways has
  // it; empty: all of them cross every link. The ways advance together.
  std::vector<double> shares = {};
  // Flows that must have ended before it: it moves `start_s` after the last of them.
  std::vector<int> after = {};
  double weight = 1;  // two flows that share one link get rates in proportion to their weights
};

// [flows] when each flow ends, in seconds. `capacities` [links] in bytes per second.
// Throws std::runtime_error when flows wait for each other in a circle.
std::vector<double> max_min_ends(const std::vector<double>& capacities,
                                 const std::vector<Flow>& flows);

}  // namespace moesim::testing
