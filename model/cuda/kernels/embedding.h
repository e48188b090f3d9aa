// SPDX-License-Identifier: Apache-2.0
// Bytes to rows and back: model/layers/embedding.h bit for bit.
#pragma once

#include "model/cuda/kernels/elements.h"

namespace moesim::model::cuda {

struct EmbedBytes {
  static constexpr int kThreads = kElementThreads;

  const std::uint8_t* bytes = nullptr;  // [tokens]
  const float* token = nullptr;         // [256, width]
  const float* position = nullptr;      // [seq_length, width]
  float* rows = nullptr;                // [tokens, width]
  std::int64_t tokens = 0;
  std::int64_t width = 0;
  std::int64_t seq_length = 1;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t i = element_of(thread);
    if (i >= tokens * width) return;
    const std::int64_t t = i / width;
    const std::int64_t j = i % width;
    rows[i] = token[bytes[t] * width + j] + position[t % seq_length * width + j];
  }
};

// A block for each byte value: adds the rows of its tokens, in their order.
struct EmbedBytesBackward {
  static constexpr int kThreads = kElementThreads;

  const std::uint8_t* bytes = nullptr;  // [tokens]
  const float* d_rows = nullptr;        // [tokens, width]
  float* gradient = nullptr;            // [256, width]
  std::int64_t tokens = 0;
  std::int64_t width = 0;
  bool add = false;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    float* const to = gradient + thread.block() * width;
    for (std::int64_t j = thread.index(); j < width; j += kThreads) {
      float sum = add ? to[j] : 0.0F;
      for (std::int64_t t = 0; t < tokens; ++t) {
        if (bytes[t] == thread.block()) sum += d_rows[t * width + j];
      }
      to[j] = sum;
    }
  }
};

// The same of positions, which are seq_length tokens apart.
struct PositionsBackward {
  static constexpr int kThreads = kElementThreads;

  const float* d_rows = nullptr;  // [tokens, width]
  float* gradient = nullptr;      // [seq_length, width]
  std::int64_t tokens = 0;
  std::int64_t width = 0;
  std::int64_t seq_length = 1;
  bool add = false;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t i = element_of(thread);
    if (i >= seq_length * width) return;
    float sum = add ? gradient[i] : 0.0F;
    for (std::int64_t t = i / width; t < tokens; t += seq_length) {
      sum += d_rows[t * width + i % width];
    }
    gradient[i] = sum;
  }
};

}  // namespace moesim::model::cuda
