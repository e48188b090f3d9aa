// SPDX-License-Identifier: Apache-2.0
// What of a whole layer is not a product, by the kernels of model/cuda/kernels: from logits to rows
// in the experts' order, and back to tokens. Nothing of it needs the host. C++17, read by nvcc and
// g++.
#pragma once

#include <cstdint>

#include "model/cuda/gemm/bf16.h"

struct CUstream_st;

namespace moesim::bench {

// All in the device's memory; [pairs] is [tokens, top_k].
struct LayerRouting {
  const float* logits = nullptr;      // [tokens, experts]
  float* scores = nullptr;            // [tokens, experts]
  std::int32_t* chosen = nullptr;     // [pairs]
  float* weights = nullptr;           // [pairs], a softmax over the chosen
  std::int32_t* table = nullptr;      // [experts, blocks_of_order], scratch
  std::int32_t* first_row = nullptr;  // [experts + 1]
  std::int32_t* place = nullptr;      // [pairs] a pair's row
  std::int32_t* pair_of = nullptr;    // [rows]
  std::int32_t* token_of = nullptr;   // [rows]
  int tokens = 0;
  int experts = 0;
  int top_k = 1;
};

int blocks_of_order(std::int64_t pairs);

// Softmax, top-k, renormalised weights, and the rows' order. Throws std::runtime_error with what
// CUDA says, as does the next.
void route_and_order(const LayerRouting& routing, CUstream_st* stream);

// to[token] = the weighted sum of its rows, [., width].
void combine_rows(const LayerRouting& routing, const model::cuda::Bf16* rows, int width,
                  model::cuda::Bf16* to, CUstream_st* stream);

}  // namespace moesim::bench
