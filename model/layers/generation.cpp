// SPDX-License-Identifier: Apache-2.0
#include "model/layers/generation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace moesim::model {
namespace {

MoeGptConfig dropless(const MoeGptConfig& config) {
  MoeGptConfig result = config;
  result.router.capacity_factor.reset();
  result.router.rank_capacity_factor.reset();
  return result;
}

template <class S>
Pass<S> evaluating(const Pass<S>& pass) {
  return {pass.backend, pass.threads, false, pass.seed, false};
}

// The bytes by falling logit, of equal ones the lower first; one that is not a number counts as the
// smallest.
template <class S>
std::vector<int> by_falling_logit(const Matrix<S>& logits) {
  std::vector<int> bytes(logits.size());
  std::iota(bytes.begin(), bytes.end(), 0);
  const auto value = [&](int byte) {
    const auto logit = static_cast<double>(logits.data()[byte]);
    return std::isnan(logit) ? -HUGE_VAL : logit;
  };
  std::stable_sort(bytes.begin(), bytes.end(), [&](int a, int b) { return value(a) > value(b); });
  return bytes;
}

}  // namespace

template <class S>
ByteStream<S>::ByteStream(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                          const Pass<S>& pass, bool use_cache)
    : weights_(weights),
      config_(dropless(config)),
      pass_(evaluating(pass)),
      use_cache_(use_cache),
      past_(weights.blocks.size()) {
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    shapes_.push_back(block_shape(config_, static_cast<int>(layer)));
    const Index width = shapes_.back().attention.key_value_width();
    past_[layer].keys.resize(config.seq_length, width);
    past_[layer].values.resize(config.seq_length, width);
  }
}

template <class S>
void ByteStream<S>::append_to_window(std::uint8_t byte) {
  const auto most = static_cast<std::size_t>(config_.seq_length);
  if (window_.size() == most) {
    window_.erase(window_.begin(), window_.end() - static_cast<std::ptrdiff_t>(most / 2));
    in_past_ = 0;
    for (KeyValueCache<S>& past : past_) past.length = 0;
  }
  window_.push_back(byte);
}

template <class S>
void ByteStream<S>::run_token(std::size_t position) {
  stream_ = weights_.embedding.token.row(window_[position]) +
            weights_.embedding.position.row(static_cast<Index>(position));
  for (std::size_t layer = 0; layer < shapes_.size(); ++layer) {
    const TokenContext context{std::span(window_).subspan(position, 1), config_.seq_length,
                               static_cast<int>(layer)};
    const TransformerBlock<S> block{weights_.blocks[layer], shapes_[layer], context, pass_};
    block.forward_next(stream_, past_[layer], block_);
  }
}

template <class S>
const Matrix<S>& ByteStream<S>::append(std::span<const std::uint8_t> bytes) {
  CHECK(!bytes.empty(), "a stream grows by at least one byte");
  for (const std::uint8_t byte : bytes) append_to_window(byte);
  if (!use_cache_) {
    logits_ = moe_gpt_logits<S>(weights_, config_, pass_, window_).bottomRows(1).eval();
    return logits_;
  }
  for (; in_past_ < window_.size(); ++in_past_) run_token(in_past_);
  layer_norm(weights_.final_norm, pass_, stream_, block_.ffn_norm, block_.ffn_input);
  head_logits(head_of(weights_), pass_, block_.ffn_input, logits_);
  return logits_;
}

template <class S>
std::uint8_t draw_byte(const Matrix<S>& logits, const GenerationConfig& generation,
                       base::Rng& rng) {
  std::vector<int> bytes = by_falling_logit(logits);
  if (generation.temperature == 0) return static_cast<std::uint8_t>(bytes.front());
  const auto all = static_cast<int>(bytes.size());
  if (generation.top_k_bytes > 0) bytes.resize(std::min(generation.top_k_bytes, all));
  const auto largest = static_cast<double>(logits.data()[bytes.front()]);
  std::vector<double> reached;  // the running sum of e^((logit - largest) / temperature)
  double sum = 0;
  for (const int byte : bytes) {
    const auto logit = static_cast<double>(logits.data()[byte]);
    sum += std::exp((logit - largest) / generation.temperature);
    reached.push_back(sum);
  }
  const double drawn = rng.uniform() * sum;
  std::size_t i = 0;
  while (i + 1 < bytes.size() && reached[i] <= drawn) ++i;
  return static_cast<std::uint8_t>(bytes[i]);
}

template <class S>
std::vector<std::uint8_t> Generator<S>::run(const GenerationConfig& generation,
                                            std::span<const std::uint8_t> prompt,
                                            base::Rng& rng) const {
  ByteStream<S> stream(weights, config, pass, generation.use_cache);
  std::vector<std::uint8_t> written;
  std::span<const std::uint8_t> next = prompt;
  for (int i = 0; i < generation.max_new_bytes; ++i) {
    written.push_back(draw_byte(stream.append(next), generation, rng));
    next = std::span(written).last(1);
  }
  return written;
}

template class ByteStream<float>;
template class ByteStream<double>;
template std::uint8_t draw_byte(const Matrix<float>&, const GenerationConfig&, base::Rng&);
template std::uint8_t draw_byte(const Matrix<double>&, const GenerationConfig&, base::Rng&);
template struct Generator<float>;
template struct Generator<double>;

}  // namespace moesim::model
