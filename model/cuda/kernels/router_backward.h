// SPDX-License-Identifier: Apache-2.0
// From the gradient of the routing weights, and of the experts' shares, to that of the logits: what
// finish_weights_backward, weigh_experts_backward and scores_backward do in model/router, bit for
// bit; half a warp for each token.
#pragma once

#include "model/cuda/kernels/balance.h"
#include "model/cuda/kernels/route_tokens.h"

namespace moesim::model::cuda {

struct RouteTokensBackward {
  static constexpr int kThreads = kRowThreads;

  const float* logits = nullptr;               // [tokens, num_experts]
  const float* scores = nullptr;               // [tokens, num_experts]
  const std::int32_t* experts = nullptr;       // [tokens, top_k]
  const float* weights_before_drop = nullptr;  // [tokens, top_k]
  const std::uint8_t* kept = nullptr;          // [tokens, top_k]; null: all
  const float* factors = nullptr;              // [tokens] of renormalising
  const float* kept_sums = nullptr;            // [tokens]
  const float* d_weights = nullptr;  // [tokens, top_k]; those of dropped pairs are ignored
  const float* d_shares = nullptr;   // [sequences, num_experts]; null: none
  float* slopes = nullptr;           // [tokens, top_k] scratch
  float* d_scores = nullptr;         // [tokens, num_experts] scratch
  float* d_logits = nullptr;         // [tokens, num_experts], written
  std::int64_t tokens = 0;
  int num_experts = 0;
  int top_k = 1;
  int seq_length = 1;
  float scaling = 1;
  Scoring scoring = Scoring::softmax;
  Weighing weighing = Weighing::logits;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const RowLane at = row_lane(thread, tokens);
    const std::int64_t row = at.row * num_experts;
    for (int e = at.lane; e < num_experts && at.is_row; e += kRowLanes) {
      d_scores[row + e] = 0;
      d_logits[row + e] = 0;
    }
    finish_weights_backward(thread, at);
    weigh_backward(thread, at);
    thread.sync_warp();
    if (weighing != Weighing::scores && d_shares == nullptr) return;  // no slope of the scores
    const float* const shares =
        d_shares == nullptr ? nullptr : d_shares + at.row / seq_length * num_experts;
    if (scoring == Scoring::softmax) {
      softmax_backward(thread, at, shares);
    } else {
      sigmoid_backward(thread, at, shares);
    }
  }

 private:
  MOESIM_KERNEL_CODE bool is_kept(std::int64_t pair) const {
    return kept == nullptr || kept[pair] != 0;
  }

  // slopes = those of weights_before_drop.
  template <class Thread>
  MOESIM_KERNEL_CODE void finish_weights_backward(const Thread& thread, const RowLane& at) const {
    const std::int64_t first = at.row * top_k;
    const auto slope_at = [&](std::int64_t slot) {
      return is_kept(first + slot) ? d_weights[first + slot] * scaling : 0.0F;
    };
    const float factor = factors[at.row];
    const float sum = lanes_sum(thread, top_k, [&](std::int64_t slot) {
      return slope_at(slot) * weights_before_drop[first + slot];
    });
    const float inverse = kept_sums[at.row] > 0 ? 1.0F / kept_sums[at.row] : 0.0F;
    for (int slot = at.lane; slot < top_k && at.is_row; slot += kRowLanes) {
      const float slope = slope_at(slot);
      const float of_kept = is_kept(first + slot) ? factor * (slope - sum * inverse) : 0.0F;
      slopes[first + slot] = factor == 1.0F ? slope : sum * inverse + of_kept;
    }
    thread.sync_warp();
  }

  template <class Thread>
  MOESIM_KERNEL_CODE void weigh_backward(const Thread& thread, const RowLane& at) const {
    const std::int64_t first = at.row * top_k;
    const float mean = lanes_sum(thread, top_k, [&](std::int64_t slot) {
      return weights_before_drop[first + slot] * slopes[first + slot];
    });
    for (int slot = at.lane; slot < top_k && at.is_row; slot += kRowLanes) {
      const std::int64_t place = at.row * num_experts + experts[first + slot];
      if (weighing == Weighing::scores) {
        d_scores[place] += slopes[first + slot];
        continue;
      }
      float slope = weights_before_drop[first + slot] * (slopes[first + slot] - mean);
      if (weighing == Weighing::log_sigmoids) slope *= vector_math::sigmoid_value(-logits[place]);
      d_logits[place] += slope;
    }
  }

  template <class Thread>
  MOESIM_KERNEL_CODE void softmax_backward(const Thread& thread, const RowLane& at,
                                           const float* shares) const {
    const std::int64_t row = at.row * num_experts;
    const auto slope_at = [&](std::int64_t e) {
      return shares == nullptr ? d_scores[row + e] : d_scores[row + e] + shares[e];
    };
    const float mean = lanes_sum(thread, num_experts,
                                 [&](std::int64_t e) { return scores[row + e] * slope_at(e); });
    for (int e = at.lane; e < num_experts && at.is_row; e += kRowLanes) {
      d_logits[row + e] += scores[row + e] * (slope_at(e) - mean);
    }
  }

  template <class Thread>
  MOESIM_KERNEL_CODE void sigmoid_backward(const Thread& thread, const RowLane& at,
                                           const float* shares) const {
    const std::int64_t row = at.row * num_experts;
    float inverse = 0;
    float mean = 0;
    if (shares != nullptr) {
      inverse = inverse_of_sum(
          lanes_sum(thread, num_experts, [&](std::int64_t e) { return scores[row + e]; }));
      mean = lanes_sum(thread, num_experts,
                       [&](std::int64_t e) { return scores[row + e] * shares[e]; }) *
             inverse;
    }
    for (int e = at.lane; e < num_experts && at.is_row; e += kRowLanes) {
      const float of_share = shares == nullptr ? 0.0F : (shares[e] - mean) * inverse;
      d_logits[row + e] += (d_scores[row + e] + of_share) * scores[row + e] *
                           vector_math::sigmoid_value(-logits[row + e]);
    }
  }
};

}  // namespace moesim::model::cuda
