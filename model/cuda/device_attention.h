// SPDX-License-Identifier: Apache-2.0
// Attention on the device: Attention of model/layers/attention.h, bit for bit.
#pragma once

#include "model/cuda/device_layers.h"
#include "model/layers/attention.h"

namespace moesim::model::cuda {

struct DeviceAttentionCache {
  Buffer<float> query_key_value;  // [tokens, query width + 2 key/value width]
  Buffer<float> softmax;          // [tokens, 2 num_heads]
  Buffer<float> mixed;            // [tokens, query width]
};

// Room that one layer after another uses.
struct DeviceAttentionScratch {
  Buffer<float> d_mixed;
  Buffer<float> d_query_key_value;
  Buffer<float> probabilities;  // [key heads, tokens, seq_length]
  Buffer<float> d_scores;       // the same
};

struct DeviceAttention {
  const AttentionWeights<float>& weights;
  const AttentionShape& shape;  // seq_length at most kLongestSequence
  const DevicePass& pass;

  // x, [tokens, hidden] -> y, [tokens, hidden].
  void forward(const float* x, std::int64_t tokens, DeviceAttentionCache& cache, float* y) const;
  // Writes dx, and writes or adds to (as the pass says) the gradient.
  void backward(const float* x, const DeviceAttentionCache& cache, const float* dy,
                DeviceAttentionScratch& scratch, float* dx) const;
};

}  // namespace moesim::model::cuda
