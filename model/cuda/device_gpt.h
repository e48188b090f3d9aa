// SPDX-License-Identifier: Apache-2.0
// The MoE-GPT on the device, forward and backward: moe_gpt_loss() and MoeGptBackward of
// model/layers/moe_gpt.h, bit for bit, or in mixed precision (ProductMode::bf16).
#pragma once

#include "model/cuda/device_attention.h"
#include "model/cuda/device_moe_layer.h"
#include "model/layers/moe_gpt.h"

namespace moesim::model::cuda {

struct DeviceBlockCache {
  DeviceNormCache attention_norm;
  Buffer<float> attention_input;  // [tokens, hidden], normalised
  DeviceAttentionCache attention;
  DeviceNormCache ffn_norm;
  Buffer<float> ffn_input;  // [tokens, hidden], normalised
  DeviceMoeCache moe;
  DeviceFeedForwardCache dense;
};

// What a pass leaves for the way back, and room. Kept from pass to pass.
struct DeviceGptCache {
  Buffer<std::uint8_t> inputs;   // [tokens]
  Buffer<std::uint8_t> targets;  // [tokens]
  Buffer<float> stream;          // [tokens, hidden]: the residual stream, and its gradient
  std::vector<DeviceBlockCache> blocks;
  DeviceNormCache final_norm;
  Buffer<float> head_input;     // [tokens, hidden]
  Buffer<float> probabilities;  // [tokens, 256]
  Buffer<double> losses;        // [tokens]
  Buffer<float> branch;         // [tokens, hidden] what a part adds; its input's gradient
  Buffer<float> dropped;        // [tokens, hidden] a gradient times the dropout's factors
  Buffer<float> pieces;         // of the norms' gradients
  DeviceAttentionScratch attention;
  DeviceMoeScratch moe;
  std::vector<RouterWeights<float>> router_gradients;  // [layers], those of the processor's routers
};

struct DeviceGpt {
  const MoeGptWeights<float>& weights;  // shapes; the values are the device's
  const MoeGptConfig& config;
  const DevicePass& pass;

  // The loss; the decisions and balancing losses are in the cache's router.host of each block.
  MoeGptLoss forward(const TokenBatch& batch, DeviceGptCache& cache) const;
  // The gates' decisions, one batch a MoE layer. No head, and no balancing loss.
  std::vector<RoutingBatch> route(std::span<const std::uint8_t> inputs,
                                  DeviceGptCache& cache) const;
  // The gradient of `loss_scale` x the loss just computed: writes or adds to (as the pass says) the
  // parameters' gradient. Uses the cache up, but for the decisions.
  void backward(const TokenBatch& batch, double loss_scale, DeviceGptCache& cache) const;
};

}  // namespace moesim::model::cuda
