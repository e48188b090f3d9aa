// SPDX-License-Identifier: Apache-2.0
// Backend::select on the device: scores that are there already.
#pragma once

#include "model/cuda/kernels/ordered_choice.h"

namespace moesim::model::cuda {

struct SelectExperts {
  static constexpr int kThreads = kChoiceThreads;

  const float* scores = nullptr;    // [tokens, num_experts]
  std::int32_t* experts = nullptr;  // [tokens, top_k]
  int tokens = 0;
  ChoiceRule rule;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const int warp = thread.index() / kWarp;
    const std::int64_t token = std::int64_t{thread.block()} * kTokensPerBlock + warp;
    if (token >= tokens) return;  // the whole warp
    const float* const row = scores + token * rule.num_experts;
    float* const room = static_cast<float*>(thread.shared()) + warp * rule.n_group;
    const auto score_at = [&](int e) { return row[e]; };
    choose_experts(thread, rule, score_at, room, experts + token * rule.top_k);
  }
};

}  // namespace moesim::model::cuda
