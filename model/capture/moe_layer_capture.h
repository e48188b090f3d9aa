// SPDX-License-Identifier: Apache-2.0
// The intermediate data of one MoE layer for given bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/json_value.h"
#include "model/checkpoint/tensor.h"
#include "model/layers/moe_gpt.h"

namespace moesim::model {

// One expert's part: the rows of the tokens whose pairs it computed, in the tokens' order.
template <class S>
struct ExpertCapture {
  std::vector<std::int32_t> tokens;  // [rows]
  Matrix<S> outputs;                 // [rows, hidden], not yet weighted
};

template <class S>
struct MoeLayerCapture {
  int layer = 0;
  Matrix<S> gate_scores;                    // [tokens, num_experts]
  Matrix<S> top_k_scores;                   // [tokens, top_k], the routing weights; 0 where dropped
  std::vector<std::int32_t> top_k_indices;  // [tokens, top_k]; -1: an empty slot
  std::vector<std::uint8_t> kept;           // [tokens, top_k]; 0 where dropped or empty
  std::vector<ExpertCapture<S>> expert_outputs;  // [num_experts]
  Matrix<S> final_output;                        // [tokens, hidden], shared experts included
  double load_balance_loss = 0;                  // the sum of the terms
  std::vector<BalanceTerm> balance_terms;
};

// Runs the model on `inputs` up to the layer, whose number counts all blocks. Throws base::Error
// where it is no MoE layer.
template <class S>
MoeLayerCapture<S> capture_moe_layer(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                                     const Pass<S>& pass, std::span<const std::uint8_t> inputs,
                                     int layer);

// As JSON: matrices as lists of rows, keys as the members' names, a number that is not finite as
// null. expert_outputs is a list of {expert, tokens, outputs}; balance_terms an object.
template <class S>
base::JsonValue capture_json(const MoeLayerCapture<S>& capture);

// As tensors under the members' names, "expert_outputs.3.tokens" and "expert_outputs.3.outputs"
// for each expert, F32 or F64, I32 and U8; losses are F64 scalars ("balance_terms.aux_loss").
template <class S>
std::vector<Tensor> capture_tensors(const MoeLayerCapture<S>& capture);

// Those tensors as a safetensors file, with the layer's number in its metadata. Throws base::Error
// where the file cannot be written.
template <class S>
void write_capture(const std::filesystem::path& path, const MoeLayerCapture<S>& capture);

}  // namespace moesim::model
