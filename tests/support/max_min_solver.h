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
};

// [flows] when each flow ends, in seconds. `capacities` [links] in bytes per second.
std::vector<double> max_min_ends(const std::vector<double>& capacities,
                                 const std::vector<Flow>& flows);

}  // namespace moesim::testing
