// SPDX-License-Identifier: Apache-2.0
// The optimizer on the device: gradient_norm() and OptimizerStep of model/train/optimizer.h, bit
// for bit. Moments and masters stay on the device.
#pragma once

#include "model/cuda/device_parameters.h"
#include "model/cuda/kernels/optimizer.h"
#include "model/train/optimizer.h"

namespace moesim::model::cuda {

class DeviceOptimizer {
 public:
  // `runs` are of the trained parameters and outlive this, as device and parameters do. Uploads the
  // state.
  DeviceOptimizer(Device& device, const DeviceParameters& parameters,
                  std::span<const LearningRun> runs, const OptimizerState& state);

  // The norm of the parameters' gradients; waits.
  double gradient_norm();
  // One step of the parameters' values. `step` names the same runs.
  void run(const OptimizerStep& step);
  // Moments and masters, and the steps taken, into the state that was given or its like.
  void download(OptimizerState& state) const;

 private:
  void upload(const std::vector<Matrix<float>>& matrices, Buffer<float>& buffer);
  void download(const Buffer<float>& buffer, std::vector<Matrix<float>>& matrices) const;
  OptimizerArrays arrays() const;

  Device& device_;
  const DeviceParameters& parameters_;
  std::span<const LearningRun> runs_;
  int steps_;
  std::size_t pieces_count_;
  Buffer<ParameterPiece> pieces_;
  Buffer<float> momentum_;
  Buffer<float> variance_;  // of size 0 where there is none
  Buffer<float> masters_;   // of size 0 where weights are not rounded
  Buffer<double> sums_;
  Buffer<AdamwRates> adamw_rates_;
  Buffer<SgdRates> sgd_rates_;
};

}  // namespace moesim::model::cuda
