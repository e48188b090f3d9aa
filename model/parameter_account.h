// SPDX-License-Identifier: Apache-2.0
// Parameters of a MoE-GPT by part, from its configuration alone: every number that parameters() of
// layers/moe_gpt.h lists, norms and biases included. Free of Eigen.
#pragma once

#include <cstdint>

#include "model/moe_gpt_config.h"

namespace moesim::model {

struct ParameterAccount {
  std::int64_t embedding = 0;       // tokens and positions, and the head where it is not tied
  std::int64_t attention = 0;       // projections of all layers
  std::int64_t norms = 0;           // gains and biases
  std::int64_t router = 0;          // all MoE layers, selection biases included
  std::int64_t routed_experts = 0;  // all MoE layers, all experts
  std::int64_t shared_experts = 0;  // all MoE layers
  std::int64_t dense_ffn = 0;       // all dense layers
  // Of the routed experts, what a token passes through: top_k of num_experts (where sizes differ,
  // the mean over equally likely experts, rounded to nearest).
  std::int64_t active_experts = 0;

  std::int64_t total() const { return always_active() + routed_experts; }
  std::int64_t active() const { return always_active() + active_experts; }
  double active_ratio() const {
    return static_cast<double>(active()) / static_cast<double>(total());
  }
  // Of the weights alone: 4 bytes each in fp32, 2 in bf16.
  std::int64_t bytes(int bytes_per_parameter) const { return total() * bytes_per_parameter; }

  // Everything but the routed experts.
  std::int64_t always_active() const {
    return embedding + attention + norms + router + shared_experts + dense_ffn;
  }

  bool operator==(const ParameterAccount&) const = default;
};

// Of a configuration that validate() accepts.
ParameterAccount account_parameters(const MoeGptConfig& config);

// Multiplications and additions of the feed-forward parts of all layers for one token, forward,
// without the router and element-wise work: 2 for each matrix element that a token passes through.
double ffn_flops_per_token(const MoeGptConfig& config);

// The dense model to compare with at equal active FLOPs: the same but for use_moe = false and an
// intermediate_size, rounded to nearest, that makes ffn_flops_per_token equal.
MoeGptConfig dense_counterpart(const MoeGptConfig& config);

}  // namespace moesim::model
