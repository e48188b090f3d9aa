// SPDX-License-Identifier: Apache-2.0
// Causal attention, forward and backward: model/layers/attention.h bit for bit, which fixes the
// order of every sum. A warp takes a query of a head; a thread an element of a key's gradient.
#pragma once

#include "model/cuda/kernels/elements.h"
#include "model/cuda/kernels/row_lanes.h"

namespace moesim::model::cuda {

constexpr int kAttentionThreads = 128;
constexpr int kQueriesPerBlock = kAttentionThreads / kWarp;
constexpr int kQueryPiece = 32;  // queries whose part of a key's gradient is summed in order
// A query's scores have to fit its part of 48 KiB.
constexpr int kLongestSequence = (48 << 10) / (kQueriesPerBlock * static_cast<int>(sizeof(float)));

struct AttentionLayout {
  std::int64_t tokens = 0;
  int seq_length = 1;
  int num_heads = 1;
  int num_key_value_heads = 1;
  int head_size = 1;
  float scale = 1;  // 1 / sqrt(head_size)
  DropoutRule dropout;

  MOESIM_KERNEL_CODE std::int64_t query_width() const {
    return std::int64_t{num_heads} * head_size;
  }
  MOESIM_KERNEL_CODE std::int64_t width() const {
    return query_width() + 2 * std::int64_t{num_key_value_heads} * head_size;
  }
  MOESIM_KERNEL_CODE int ratio() const { return num_heads / num_key_value_heads; }
  // Where a head's columns begin in a row of queries, keys and values.
  MOESIM_KERNEL_CODE std::int64_t key_column(int key_head) const {
    return query_width() + std::int64_t{key_head} * head_size;
  }
  MOESIM_KERNEL_CODE std::int64_t value_column(int key_head) const {
    return key_column(key_head) + std::int64_t{num_key_value_heads} * head_size;
  }
  MOESIM_KERNEL_CODE float drop_factor(int head, std::int64_t key, std::int64_t query) const {
    return dropout.factor((head * tokens + key) * seq_length + query % seq_length);
  }
};

// One query of one head: the token, and the sequence's first, from which on it sees keys.
struct QueryOfHead {
  std::int64_t token;
  std::int64_t first;
  int head;
  int key_head;

  MOESIM_KERNEL_CODE int keys() const { return static_cast<int>(token - first) + 1; }
};

// a b in order, the product of two rows of a head.
MOESIM_DEVICE_CODE float product_in_order(const float* a, const float* b, int size, float scale) {
  float sum = 0;
  for (int d = 0; d < size; ++d) sum = vector_math::fused_multiply_add(a[d], scale * b[d], sum);
  return sum;
}

struct AttendToKeys {
  static constexpr int kThreads = kAttentionThreads;

  AttentionLayout layout;
  const float* query_key_value = nullptr;  // [tokens, width]
  float* softmax = nullptr;                // [tokens, 2 num_heads]: largest score, 1 / sum
  float* mixed = nullptr;                  // [tokens, query width]

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const int warp = thread.index() / kWarp;
    const std::int64_t index = std::int64_t{thread.block()} * kQueriesPerBlock + warp;
    if (index >= layout.tokens * layout.num_heads) return;  // the whole warp
    const std::int64_t token = index / layout.num_heads;
    const auto head = static_cast<int>(index % layout.num_heads);
    const QueryOfHead at = {token, token / layout.seq_length * layout.seq_length, head,
                            head / layout.ratio()};
    // [seq_length] of the warp's own
    float* const scores = static_cast<float*>(thread.shared()) + warp * layout.seq_length;
    const float largest = score(thread, at, scores);
    float sum = 0;  // by every lane, in the keys' order
    for (int k = 0; k < at.keys(); ++k) sum += scores[k];
    const float inverse = 1.0F / sum;
    thread.sync_warp();
    for (int k = thread.index() % kWarp; k < at.keys(); k += kWarp) {
      scores[k] *= layout.drop_factor(at.head, at.first + k, at.token);
    }
    thread.sync_warp();
    mix(thread, at, scores, inverse);
    if (thread.index() % kWarp != 0) return;
    softmax[2 * index] = largest;
    softmax[2 * index + 1] = inverse;
  }

 private:
  // scores[k] = e^(score - largest); returns the largest.
  template <class Thread>
  MOESIM_KERNEL_CODE float score(const Thread& thread, const QueryOfHead& at, float* scores) const {
    const int lane = thread.index() % kWarp;
    const float* const query =
        query_key_value + at.token * layout.width() + std::int64_t{at.head} * layout.head_size;
    const float* const keys =
        query_key_value + at.first * layout.width() + layout.key_column(at.key_head);
    float largest = vector_math::from_bits(0xff800000U);
    for (int k = lane; k < at.keys(); k += kWarp) {
      scores[k] =
          product_in_order(keys + k * layout.width(), query, layout.head_size, layout.scale);
      largest = scores[k] > largest ? scores[k] : largest;
    }
    for (int width = kWarp / 2; width > 0; width /= 2) {
      const float other = thread.shuffle_down(largest, width, kWarp);
      largest = other > largest ? other : largest;
    }
    largest = thread.shuffle(largest, 0);
    for (int k = lane; k < at.keys(); k += kWarp) {
      scores[k] = vector_math::exp_of_negative(scores[k] - largest);
    }
    thread.sync_warp();
    return largest;
  }

  template <class Thread>
  MOESIM_KERNEL_CODE void mix(const Thread& thread, const QueryOfHead& at, const float* scores,
                              float inverse) const {
    const float* const values =
        query_key_value + at.first * layout.width() + layout.value_column(at.key_head);
    float* const to =
        mixed + at.token * layout.query_width() + std::int64_t{at.head} * layout.head_size;
    for (int d = thread.index() % kWarp; d < layout.head_size; d += kWarp) {
      float sum = 0;
      for (int k = 0; k < at.keys(); ++k) {
        sum = vector_math::fused_multiply_add(scores[k], values[k * layout.width() + d], sum);
      }
      to[d] = sum * inverse;
    }
  }
};

// Of one query head for each key head: the gradient of its queries, and what that of keys and
// values is made of.
struct AttendBackward {
  static constexpr int kThreads = kAttentionThreads;

  AttentionLayout layout;
  const float* query_key_value = nullptr;  // [tokens, width]
  const float* softmax = nullptr;          // [tokens, 2 num_heads]
  const float* mixed = nullptr;            // [tokens, query width]
  const float* d_mixed = nullptr;          // [tokens, query width]
  float* d_query_key_value = nullptr;      // [tokens, width]: the queries' part is written
  float* probabilities = nullptr;          // [key heads, tokens, seq_length], after dropout
  float* d_scores = nullptr;               // [key heads, tokens, seq_length]
  int which = 0;                           // of the query heads that share a key head

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const int warp = thread.index() / kWarp;
    const std::int64_t index = std::int64_t{thread.block()} * kQueriesPerBlock + warp;
    if (index >= layout.tokens * layout.num_key_value_heads) return;  // the whole warp
    const std::int64_t token = index / layout.num_key_value_heads;
    const auto key_head = static_cast<int>(index % layout.num_key_value_heads);
    const QueryOfHead at = {token, token / layout.seq_length * layout.seq_length,
                            key_head * layout.ratio() + which, key_head};
    const std::int64_t place = (key_head * layout.tokens + token) * layout.seq_length;
    write_score_gradients(thread, at, place);
    thread.sync_warp();
    const float* const keys =
        query_key_value + at.first * layout.width() + layout.key_column(key_head);
    float* const to =
        d_query_key_value + token * layout.width() + std::int64_t{at.head} * layout.head_size;
    for (int d = thread.index() % kWarp; d < layout.head_size; d += kWarp) {
      float sum = 0;
      for (int k = 0; k < at.keys(); ++k) {
        sum =
            vector_math::fused_multiply_add(d_scores[place + k], keys[k * layout.width() + d], sum);
      }
      to[d] = sum;
    }
  }

 private:
  template <class Thread>
  MOESIM_KERNEL_CODE void write_score_gradients(const Thread& thread, const QueryOfHead& at,
                                                std::int64_t place) const {
    const int size = layout.head_size;
    const std::int64_t of_head = std::int64_t{at.head} * size;
    const float* const query = query_key_value + at.token * layout.width() + of_head;
    const float* const rows = query_key_value + at.first * layout.width();
    const float* const of_mixed = mixed + at.token * layout.query_width() + of_head;
    const float* const slope = d_mixed + at.token * layout.query_width() + of_head;
    const float largest = softmax[2 * (at.token * layout.num_heads + at.head)];
    const float inverse = softmax[2 * (at.token * layout.num_heads + at.head) + 1];
    const float mean =
        lanes_sum(thread, size, [&](std::int64_t d) { return slope[d] * of_mixed[d]; });
    for (int k = thread.index() % kWarp; k < at.keys(); k += kWarp) {
      const float* const row = rows + k * layout.width();
      const float score =
          product_in_order(row + layout.key_column(at.key_head), query, size, layout.scale);
      const float probability = vector_math::exp_of_negative(score - largest) * inverse;
      const float factor = layout.drop_factor(at.head, at.first + k, at.token);
      const float d_probability =
          product_in_order(row + layout.value_column(at.key_head), slope, size, 1.0F) * factor;
      d_scores[place + k] = layout.scale * probability * (d_probability - mean);
      probabilities[place + k] = probability * factor;
    }
  }
};

// The gradient of keys and values, from the last piece of queries to the first, as the processor
// sums them.
struct KeysBackward {
  static constexpr int kThreads = kElementThreads;

  AttentionLayout layout;
  const float* query_key_value = nullptr;  // [tokens, width]
  const float* d_mixed = nullptr;          // [tokens, query width]
  const float* probabilities = nullptr;    // [key heads, tokens, seq_length]
  const float* d_scores = nullptr;         // [key heads, tokens, seq_length]
  float* d_query_key_value = nullptr;      // [tokens, width]
  int which = 0;                           // adds from the second on

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t width = std::int64_t{layout.num_key_value_heads} * layout.head_size;
    const std::int64_t i = element_of(thread);
    if (i >= layout.tokens * width) return;
    const std::int64_t token = i / width;
    const auto key_head = static_cast<int>(i % width / layout.head_size);
    const auto d = static_cast<int>(i % layout.head_size);
    const std::int64_t first = token / layout.seq_length * layout.seq_length;
    const std::int64_t end =
        first + layout.seq_length < layout.tokens ? first + layout.seq_length : layout.tokens;
    float* const row = d_query_key_value + token * layout.width() + d;
    float& of_key = row[layout.key_column(key_head)];
    float& of_value = row[layout.value_column(key_head)];
    float key_sum = which > 0 ? of_key : 0.0F;
    float value_sum = which > 0 ? of_value : 0.0F;
    const std::int64_t column =
        std::int64_t{key_head * layout.ratio() + which} * layout.head_size + d;
    for (std::int64_t piece = (end - 1 - first) / kQueryPiece; piece >= 0; --piece) {
      const std::int64_t from = first + piece * kQueryPiece;
      const std::int64_t last = from + kQueryPiece < end ? from + kQueryPiece : end;
      for (std::int64_t query = from > token ? from : token; query < last; ++query) {
        const std::int64_t place =
            (key_head * layout.tokens + query) * layout.seq_length + (token - first);
        key_sum = vector_math::fused_multiply_add(
            d_scores[place], query_key_value[query * layout.width() + column], key_sum);
        value_sum = vector_math::fused_multiply_add(
            probabilities[place], d_mixed[query * layout.query_width() + column], value_sum);
      }
    }
    of_key = key_sum;
    of_value = value_sum;
  }
};

}  // namespace moesim::model::cuda
