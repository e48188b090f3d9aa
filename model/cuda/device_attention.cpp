// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_attention.h"

#include <cmath>

#include "base/check.h"
#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {
namespace {

AttentionLayout layout_of(const DeviceAttention& attention, std::int64_t tokens) {
  const AttentionShape& shape = attention.shape;
  AttentionLayout layout;
  layout.tokens = tokens;
  layout.seq_length = shape.seq_length;
  layout.num_heads = shape.num_heads;
  layout.num_key_value_heads = shape.num_key_value_heads;
  layout.head_size = shape.head_size;
  layout.scale = 1.0F / std::sqrt(static_cast<float>(shape.head_size));
  layout.dropout = dropout_rule(attention.pass, shape.name, shape.dropout);
  return layout;
}

std::size_t elements(std::int64_t rows, std::int64_t width) {
  return static_cast<std::size_t>(rows * width);
}

}  // namespace

void DeviceAttention::forward(const float* x, std::int64_t tokens, DeviceAttentionCache& cache,
                              float* y) const {
  CHECK(shape.seq_length <= kLongestSequence, "a query's scores fit a block's memory");
  Device& device = pass.device;
  const std::int64_t width = weights.query_key_value.weight.rows();
  AttendToKeys kernel;
  kernel.layout = layout_of(*this, tokens);
  float* const query_key_value = cache.query_key_value.reserve(device, elements(tokens, width));
  kernel.query_key_value = query_key_value;
  kernel.softmax = cache.softmax.reserve(device, elements(tokens, 2 * shape.num_heads));
  kernel.mixed = cache.mixed.reserve(device, elements(tokens, shape.query_width()));
  DeviceLinear{weights.query_key_value, pass}.forward(x, tokens, query_key_value);
  const std::size_t scores =
      sizeof(float) * kQueriesPerBlock * static_cast<std::size_t>(shape.seq_length);
  launch(device, kernel, ceil_divide(tokens * shape.num_heads, kQueriesPerBlock), scores);
  DeviceLinear{weights.output, pass}.forward(cache.mixed.data(), tokens, y);
}

void DeviceAttention::backward(const float* x, const DeviceAttentionCache& cache, const float* dy,
                               DeviceAttentionScratch& scratch, float* dx) const {
  Device& device = pass.device;
  const auto tokens = static_cast<std::int64_t>(cache.mixed.size()) / shape.query_width();
  const std::size_t scores = elements(tokens * shape.num_key_value_heads, shape.seq_length);
  float* const d_mixed = scratch.d_mixed.reserve(device, cache.mixed.size());
  DeviceLinear{weights.output, pass}.backward(cache.mixed.data(), dy, tokens, d_mixed);
  AttendBackward of_queries;
  of_queries.layout = layout_of(*this, tokens);
  of_queries.query_key_value = cache.query_key_value.data();
  of_queries.softmax = cache.softmax.data();
  of_queries.mixed = cache.mixed.data();
  of_queries.d_mixed = d_mixed;
  of_queries.d_query_key_value =
      scratch.d_query_key_value.reserve(device, cache.query_key_value.size());
  of_queries.probabilities = scratch.probabilities.reserve(device, scores);
  of_queries.d_scores = scratch.d_scores.reserve(device, scores);
  KeysBackward of_keys{
      of_queries.layout,        of_queries.query_key_value, d_mixed,
      of_queries.probabilities, of_queries.d_scores,        of_queries.d_query_key_value};
  // The heads that share a key head add to its gradient, one after another.
  for (int i = 0; i < shape.num_heads / shape.num_key_value_heads; ++i) {
    of_queries.which = of_keys.which = i;
    launch(device, of_queries, ceil_divide(tokens * shape.num_key_value_heads, kQueriesPerBlock));
    launch(device, of_keys, blocks_for_elements(tokens * shape.key_value_width()));
  }
  DeviceLinear{weights.query_key_value, pass}.backward(x, scratch.d_query_key_value.data(), tokens,
                                                       dx);
}

}  // namespace moesim::model::cuda
