// SPDX-License-Identifier: Apache-2.0
// A whole shared out among those who bring it about.
#pragma once

#include <functional>
#include <vector>

namespace moesim::experiments {

// Shapley 1953, "A value for n-person games": player i's part is the mean, over all orders in which
// players may come, of what `worth` gains when i comes,
//
//   part_i = sum over sets S without i of |S|! (n - |S| - 1)! / n! (worth(S + i) - worth(S)).
//
// The parts sum to worth(all) - worth(nobody), to rounding. `worth` is asked once for each of the
// 2^players sets, as bits, player 0 the lowest; 0 <= players <= 16.
std::vector<double> shapley_parts(int players, const std::function<double(unsigned set)>& worth);

}  // namespace moesim::experiments
