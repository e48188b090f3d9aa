// SPDX-License-Identifier: Apache-2.0
// The experts' products on the current CUDA device, each the way that a table chooses.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "model/cuda/gemm/cublas_products.h"
#include "model/cuda/gemm/grouped_launch.h"
#include "model/cuda/gemm/method_choice.h"

namespace moesim::model::cuda {

class GroupedProducts {
 public:
  // `stream` as CUDA has it; null: the default one. Throws std::runtime_error where there is no
  // device of compute capability 8.0 or later.
  GroupedProducts(MethodTable methods, CUstream_st* stream);

  // "9.0".
  const std::string& compute_capability() const { return compute_capability_; }

  // By the way that the table has for the product, or by warps where that is warpgroups and they do
  // not take the problem. `first_row` is problem.first_row on the host where the host knows it;
  // empty: then no rule about rows fits, and cuBLAS is not asked.
  template <Form form, class Epilogue>
  void run(const GroupedProblem<Bf16>& problem, const Epilogue& epilogue,
           const std::vector<std::int32_t>& first_row = {});
  // By `method` and no other: std::runtime_error where warpgroups do not take the problem.
  template <Form form, class Epilogue>
  void run_by(ProductMethod method, const GroupedProblem<Bf16>& problem, const Epilogue& epilogue,
              const std::vector<std::int32_t>& first_row);

 private:
  CublasProducts& cublas(CublasCall call);

  MethodTable methods_;
  LaunchPlace place_;
  std::string compute_capability_;
  std::unique_ptr<CublasProducts> cublas_[2];
};

}  // namespace moesim::model::cuda
