// SPDX-License-Identifier: Apache-2.0
// The same grouped products by cuBLAS: one product for each expert that has rows, over several
// streams, or all in one grouped call. Rows are gathered first and an epilogue runs last, both as
// passes of their own, and the numbers of rows have to be known to the host: what this costs beside
// the grouped kernels depends on the sizes (method_choice.h). Also the reference of float: without
// and with TF32.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/cuda/gemm/grouped_launch.h"

namespace moesim::model::cuda {

// Sums are fp32. `loop` keeps them so until the epilogue; `grouped` rounds them to the element
// first, since cuBLAS writes what it reads there (bf16: one rounding more than the other ways).
// Two segments of k are one after the other, always as `loop`.
enum class CublasCall { loop, grouped };

// What float is multiplied in: itself, or TF32 (10 bits of mantissa).
enum class FloatProducts { fp32, tf32 };

class CublasProducts {
 public:
  static constexpr int kStreams = 4;

  // Throws std::runtime_error with what cuBLAS or CUDA says.
  CublasProducts(CublasCall call, FloatProducts floats);
  ~CublasProducts();
  CublasProducts(const CublasProducts&) = delete;
  CublasProducts& operator=(const CublasProducts&) = delete;

  // `first_row` is problem.first_row on the host. In the order of place.stream; memory of its own
  // grows with the largest problem.
  template <Form form, class Element, class Epilogue>
  void run(const GroupedProblem<Element>& problem, const Epilogue& epilogue,
           const std::vector<std::int32_t>& first_row, const LaunchPlace& place);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moesim::model::cuda
