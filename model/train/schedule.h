// SPDX-License-Identifier: Apache-2.0
// The learning rate over the steps of a run.
#pragma once

#include "model/train/training_config.h"

namespace moesim::model {

// The learning rate of step `step`, counted from 1, before multipliers. With w warm-up steps of n:
//   step <= w:  peak step / w
//   cosine:     peak (r + (1 - r) (1 + cos(pi x)) / 2), x = (step - w) / (n - w), at most 1, r =
//               min_learning_rate_ratio (arXiv 1608.03983, eq. 5, one cycle)
//   constant:   peak
double learning_rate_at(const TrainingConfig& training, int step);

}  // namespace moesim::model
