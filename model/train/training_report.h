// SPDX-License-Identifier: Apache-2.0
// How the training of a proxy went.
#pragma once

#include <vector>

namespace moesim::model {

struct TrainingReport {
  std::vector<double> train_loss;  // per step, mean cross entropy in nats per byte
  double validation_loss = 0;      // the same on windows of the held-out last tenth of the text
};

}  // namespace moesim::model
