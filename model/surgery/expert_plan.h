// SPDX-License-Identifier: Apache-2.0
// Which experts a changed model has, and where each comes from: adding, removing, pruning and
// copying are all such plans. Free of Eigen.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/moe_gpt_config.h"

namespace moesim::model {

struct NewExpert {
  static constexpr int kFresh = -1;

  int source = kFresh;  // the old expert it is a copy of; kFresh: random weights
  // Standard deviation of what is added to each element of a copy's matrices (router rows
  // included), as a part of the matrix's root mean square. A copy without noise stays a copy: both
  // get the same gradients.
  double noise = 0;

  bool operator==(const NewExpert&) const = default;
};

// [MoE layers][new experts]. All layers have the same number of experts, of the same sizes.
using ExpertPlan = std::vector<std::vector<NewExpert>>;

// All stay as they are.
ExpertPlan plan_to_keep(const MoeGptConfig& config);

// All stay, and `added` come after them in every layer.
ExpertPlan plan_to_add(const MoeGptConfig& config, std::span<const NewExpert> added);

// All stay but `removed`, in every layer.
ExpertPlan plan_to_remove(const MoeGptConfig& config, std::span<const int> removed);

// The `kept` most used experts of each layer stay, of equally used ones the lower, in their old
// order. `usage` is [MoE layers][num_experts], pairs that chose each (ExpertUsage::total). Where
// experts' sizes differ, all layers keep the same ones, by their usage in all layers together.
// Where experts are grouped, each group keeps its own most used; n_group divides `kept`. Throws
// base::Error where `kept` is out of range.
ExpertPlan plan_to_prune(const MoeGptConfig& config,
                         std::span<const std::vector<std::int64_t>> usage, int kept);

// The configuration of the model that the plan makes. Throws base::Error (its place "experts", or
// a key of the configuration) where the plan names an expert that is not there, layers would differ
// in their experts' number or sizes, a copy would leave its router's group, or the new
// configuration is no valid one: fewer experts than top_k, ...
MoeGptConfig changed_config(const MoeGptConfig& config, const ExpertPlan& plan);

}  // namespace moesim::model
