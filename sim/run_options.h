// SPDX-License-Identifier: Apache-2.0
// How a scenario is to be run, and what a run tells meanwhile.
#pragma once

#include <functional>
#include <string>

#include "sim/counterfactual.h"

namespace moesim::model::cuda {
class Device;
}

namespace moesim::sim {

// How far a run has come: "training the gate", "routing", "simulating".
struct Progress {
  std::string stage;
  int done = 0;
  int all = 0;
};

struct RunOptions {
  int num_threads = 1;  // of routing and training; never changes a result
  // That trains the gate, with the bits that docs/cuda.md says; null: the processor does.
  model::cuda::Device* device = nullptr;
  std::function<void(const Progress&)> progress = {};
  Counterfactual counterfactual = {};  // what of the step is idealised
};

}  // namespace moesim::sim
