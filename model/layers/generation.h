// SPDX-License-Identifier: Apache-2.0
// Writes on from a prompt, byte by byte, with a cache of keys and values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "model/layers/generation_config.h"
#include "model/layers/moe_gpt.h"

namespace moesim::model {

// One sequence that grows byte by byte. What the model sees is a window: it begins with the
// sequence and, when seq_length bytes are in it, anew with its second half. Both ways of computing
// (with and without the cache) see the same window and give the same logits to rounding.
template <class S>
class ByteStream {
 public:
  // All arguments but `use_cache` must outlive the stream. Runs without dropout and noise
  // (pass.training is ignored) and dropless: a token's experts do not depend on the others of a
  // pass. The exceptions are expert_choice, which ranks the tokens of a pass (one with the cache,
  // the window without), and random, which draws by a token's place in its pass.
  ByteStream(const MoeGptWeights<S>& weights, const MoeGptConfig& config, const Pass<S>& pass,
             bool use_cache);

  // Appends the bytes and returns the logits, [1, 256], of the byte after the last. At least one.
  const Matrix<S>& append(std::span<const std::uint8_t> bytes);

 private:
  void append_to_window(std::uint8_t byte);
  void run_token(std::size_t position);

  const MoeGptWeights<S>& weights_;
  MoeGptConfig config_;
  Pass<S> pass_;
  bool use_cache_;
  std::vector<BlockShape> shapes_;      // [layers]
  std::vector<std::uint8_t> window_;    // the bytes that the model sees
  std::vector<KeyValueCache<S>> past_;  // [layers]
  std::size_t in_past_ = 0;             // bytes of the window that are in `past_`
  BlockCache<S> block_;                 // of the layer at hand
  Matrix<S> stream_;                    // [1, hidden]
  Matrix<S> logits_;                    // [1, 256]
};

// Draws a byte from logits, [1, 256], as `generation` says.
template <class S>
std::uint8_t draw_byte(const Matrix<S>& logits, const GenerationConfig& generation, base::Rng& rng);

// The new bytes, without the prompt (at least one byte).
template <class S>
struct Generator {
  const MoeGptWeights<S>& weights;
  const MoeGptConfig& config;
  const Pass<S>& pass;

  std::vector<std::uint8_t> run(const GenerationConfig& generation,
                                std::span<const std::uint8_t> prompt, base::Rng& rng) const;
};

}  // namespace moesim::model
