// SPDX-License-Identifier: Apache-2.0
// The policies that say which rank of an expert-parallel group holds which expert.
#pragma once

#include "base/json_reader.h"
#include "model/dispatch/placement.h"

namespace moesim::sim {

// contiguous: equal runs of experts, the remainder one each on the first ranks (10 experts on 4
// ranks are 3, 3, 2, 2). round_robin: expert e on rank e mod ranks.
enum class ExpertPlacement { contiguous, round_robin };
base::EnumNames<ExpertPlacement> names_of(ExpertPlacement);

using model::Placement;

// 1 <= num_ranks <= num_experts.
Placement place_experts(ExpertPlacement policy, int num_experts, int num_ranks);

}  // namespace moesim::sim
