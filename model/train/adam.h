// SPDX-License-Identifier: Apache-2.0
// Adam (arXiv 1412.6980, algorithm 1) with a linear warm-up of the learning rate.
#pragma once

#include <vector>

#include "model/matrix.h"

namespace moesim::model {

struct AdamConfig {
  double learning_rate = 3e-3;
  int warm_up_steps = 0;  // step s (from 1) of these runs at learning_rate * s / warm_up_steps
  double beta1 = 0.9;
  double beta2 = 0.99;  // a short memory: a proxy trains for tens of steps, not for thousands
  double epsilon = 1e-8;
};

class Adam {
 public:
  // The matrices must outlive the optimizer; their sizes must not change.
  Adam(const AdamConfig& config, std::vector<Matrix<float>*> parameters);

  // One step down the sum of the shards' gradients, gradients[shard][parameter]. The sum is taken
  // in shard order for each element, so the result does not depend on `num_threads`.
  void step(const std::vector<std::vector<Matrix<float>*>>& gradients, int num_threads);

 private:
  // A run of elements of one parameter, small enough to share out among threads.
  struct Chunk {
    std::size_t parameter = 0;
    Index first = 0;
    Index size = 0;
  };
  // The step's numbers that are the same for all elements.
  struct Rates {
    float step_size = 0;
    float second_moment_correction = 0;
  };
  void update(const Chunk& chunk, const Rates& rates,
              const std::vector<std::vector<Matrix<float>*>>& gradients);

  AdamConfig config_;
  std::vector<Matrix<float>*> parameters_;
  std::vector<Matrix<float>> first_moments_;
  std::vector<Matrix<float>> second_moments_;
  std::vector<Chunk> chunks_;
  int steps_ = 0;
};

}  // namespace moesim::model
