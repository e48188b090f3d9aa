// SPDX-License-Identifier: Apache-2.0
// Which rank of an expert-parallel group holds which expert.
#pragma once

#include <string>
#include <vector>

#include "base/json_reader.h"

namespace moesim::sim {

// contiguous: equal runs of experts, the remainder one each on the first ranks (10 experts on 4
// ranks are 3, 3, 2, 2). round_robin: expert e on rank e mod ranks.
enum class ExpertPlacement { contiguous, round_robin };
base::EnumNames<ExpertPlacement> names_of(ExpertPlacement);

struct Placement {
  int num_ranks = 0;                // of the expert-parallel group
  std::vector<int> rank_of_expert;  // [experts], each in [0, num_ranks)

  int num_experts() const { return static_cast<int>(rank_of_expert.size()); }
  // The rank's experts in ascending order.
  std::vector<int> experts_of_rank(int rank) const;

  bool operator==(const Placement&) const = default;
};

// 1 <= num_ranks <= num_experts.
Placement place_experts(ExpertPlacement policy, int num_experts, int num_ranks);

}  // namespace moesim::sim
