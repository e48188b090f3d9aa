// SPDX-License-Identifier: Apache-2.0
// How a model writes on from a prompt. Free of Eigen.
#pragma once

#include <cstdint>

namespace moesim::model {

struct GenerationConfig {
  int max_new_bytes = 200;
  double temperature = 1;  // 0: the likeliest byte each time, of equals the lowest
  int top_k_bytes = 0;     // draw among so many likeliest bytes; 0: among all
  bool use_cache = true;   // false: every step runs the whole window again
  std::uint64_t seed = 0;  // of the draws, where no generator is handed over
};

}  // namespace moesim::model
