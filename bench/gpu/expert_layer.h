// SPDX-License-Identifier: Apache-2.0
// The experts of one layer in a device's memory, and their forward and backward passes by a chosen
// method: from tokens' rows to rows in the experts' order, without routing and combine.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/gpu/bench_points.h"
#include "model/cuda/gemm/grouped_products.h"

namespace moesim::bench {

// Memory of a device, poisoned (NaN) until written.
class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t bytes);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  template <class T>
  T* as() const {
    return static_cast<T*>(memory_);
  }
  void poison() const;

 private:
  void* memory_ = nullptr;
  std::size_t bytes_;
};

// Weights of a shape: gate, up and down, each [experts, units, hidden], normal with variance
// 1 / (what is summed over).
class ExpertWeightsOnDevice {
 public:
  explicit ExpertWeightsOnDevice(const LayerShape& shape);
  const LayerShape& shape() const { return shape_; }
  const model::cuda::Bf16* gate() const { return gate_.as<model::cuda::Bf16>(); }
  const model::cuda::Bf16* up() const { return up_.as<model::cuda::Bf16>(); }
  const model::cuda::Bf16* down() const { return down_.as<model::cuda::Bf16>(); }

 private:
  LayerShape shape_;
  DeviceMemory gate_, up_, down_;
};

class ExpertLayer {
 public:
  // `choices`: expert_choices(point).
  ExpertLayer(const ExpertWeightsOnDevice& weights, const BenchPoint& point,
              const std::vector<std::int32_t>& choices);

  // `first_row`: as the host knows it, for ways that need it there.
  void forward(model::cuda::GroupedProducts& products, model::cuda::ProductMethod method,
               const std::vector<std::int32_t>& first_row);
  void forward(model::cuda::GroupedProducts& products, model::cuda::ProductMethod method) {
    forward(products, method, order_.first_row);
  }
  // Gradients of units, rows and all weights (bf16); forward() must have run with `keeps_z`.
  void backward(model::cuda::GroupedProducts& products, model::cuda::ProductMethod method);
  void keep_z(bool keeps) { keeps_z_ = keeps; }
  void poison_results() const;

  // The rows' order and the result, for who routes and combines.
  std::int32_t* first_row() const { return first_row_.as<std::int32_t>(); }  // [experts + 1]
  std::int32_t* token() const { return token_.as<std::int32_t>(); }          // [rows]
  const model::cuda::Bf16* output() const { return output_.as<model::cuda::Bf16>(); }
  void poison_order() const;
  void upload_order() const;  // it is there when this returns

  // ‖output - reference‖ / ‖reference‖ over some rows, in double on the processor with the
  // roundings of the kernels.
  double error_of_forward(int rows) const;

 private:
  model::cuda::GroupedProblem<model::cuda::Bf16> problem(int columns, int depth) const;
  double row_of_reference(std::int64_t row, std::vector<double>& result) const;

  const ExpertWeightsOnDevice& weights_;
  BenchPoint point_;
  RowOrder order_;
  bool keeps_z_ = false;
  DeviceMemory first_row_, token_, tokens_, d_output_;
  DeviceMemory activated_, output_, z_gate_, z_up_, d_gate_, d_up_, weighted_, d_input_, sums_;
  DeviceMemory d_weights_;  // of one matrix, written three times
};

}  // namespace moesim::bench
