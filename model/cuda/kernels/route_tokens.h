// SPDX-License-Identifier: Apache-2.0
// Score, choice and weights in one pass over the logits, a warp for each token: what score_experts,
// choose_experts and weigh_experts do on the processor (model/router), bit for bit.
#pragma once

#include "model/cuda/kernels/ordered_choice.h"

namespace moesim::model::cuda {

enum class Scoring { softmax, sigmoid };
// What a chosen expert weighs: its score, or its part of a softmax over the chosen experts' logits
// or logarithms of sigmoids.
enum class Weighing { scores, logits, log_sigmoids };

struct RouteTokens {
  static constexpr int kThreads = kChoiceThreads;

  const float* logits = nullptr;    // [tokens, num_experts]
  const float* bias = nullptr;      // [num_experts], added to the scores for the choice; null: none
  float* scores = nullptr;          // [tokens, num_experts]
  std::int32_t* experts = nullptr;  // [tokens, top_k]
  float* weights = nullptr;         // [tokens, top_k] before drops and scaling
  int tokens = 0;
  ChoiceRule rule;
  Scoring scoring = Scoring::softmax;
  Weighing weighing = Weighing::logits;
  bool choose_by_logits = true;  // else by score plus bias

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const int warp = thread.index() / kWarp;
    const std::int64_t token = std::int64_t{thread.block()} * kTokensPerBlock + warp;
    if (token >= tokens) return;  // the whole warp
    const float* const logit = logits + token * rule.num_experts;
    float* const score = scores + token * rule.num_experts;
    write_scores(thread, logit, score);
    float* const room = static_cast<float*>(thread.shared()) + warp * rule.n_group;
    std::int32_t* const chosen = experts + token * rule.top_k;
    const auto score_at = [&](int e) {
      if (choose_by_logits) return logit[e];
      return bias == nullptr ? score[e] : score[e] + bias[e];
    };
    choose_experts(thread, rule, score_at, room, chosen);
    write_weights(thread, logit, score, chosen, weights + token * rule.top_k);
  }

  // The weights of other experts than the token chose, with its scores.
  template <class Thread>
  MOESIM_KERNEL_CODE void weigh_again(const Thread& thread) const {
    const int warp = thread.index() / kWarp;
    const std::int64_t token = std::int64_t{thread.block()} * kTokensPerBlock + warp;
    if (token >= tokens) return;  // the whole warp
    const std::int64_t first = token * rule.num_experts;
    write_weights(thread, logits + first, scores + first, experts + token * rule.top_k,
                  weights + token * rule.top_k);
  }

 private:
  // values[0, n) become their softmax.
  template <class Thread>
  MOESIM_KERNEL_CODE void softmax(const Thread& thread, float* values, int n) const {
    const auto value_at = [&](std::int64_t i) { return values[i]; };
    const float largest = lanes_max(thread, n, value_at);
    for (int i = thread.index() % kWarp; i < n; i += kWarp) {
      values[i] = vector_math::exp_of_negative(values[i] - largest);
    }
    thread.sync_warp();
    const float scale = 1.0F / lanes_sum(thread, n, value_at);
    for (int i = thread.index() % kWarp; i < n; i += kWarp) values[i] *= scale;
    thread.sync_warp();
  }

  template <class Thread>
  MOESIM_KERNEL_CODE void write_scores(const Thread& thread, const float* logit,
                                       float* score) const {
    for (int e = thread.index() % kWarp; e < rule.num_experts; e += kWarp) {
      score[e] = scoring == Scoring::sigmoid ? vector_math::sigmoid_value(logit[e]) : logit[e];
    }
    thread.sync_warp();
    if (scoring == Scoring::softmax) softmax(thread, score, rule.num_experts);
  }

  template <class Thread>
  MOESIM_KERNEL_CODE void write_weights(const Thread& thread, const float* logit,
                                        const float* score, const std::int32_t* chosen,
                                        float* weight) const {
    for (int slot = thread.index() % kWarp; slot < rule.top_k; slot += kWarp) {
      const int e = chosen[slot];
      weight[slot] = weighing == Weighing::scores   ? score[e]
                     : weighing == Weighing::logits ? logit[e]
                                                    : vector_math::log_sigmoid_value(logit[e]);
    }
    thread.sync_warp();
    if (weighing != Weighing::scores) softmax(thread, weight, rule.top_k);
  }
};

}  // namespace moesim::model::cuda
