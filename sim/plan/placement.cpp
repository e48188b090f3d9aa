// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/placement.h"

#include <array>
#include <vector>

#include "base/check.h"
#include "base/named_table.h"

namespace moesim::sim {
namespace {

std::vector<int> place_contiguous(int num_experts, int num_ranks) {
  const int share = num_experts / num_ranks;
  const int remainder = num_experts % num_ranks;
  std::vector<int> rank_of_expert;
  rank_of_expert.reserve(num_experts);
  for (int rank = 0; rank < num_ranks; ++rank) {
    rank_of_expert.insert(rank_of_expert.end(), share + (rank < remainder ? 1 : 0), rank);
  }
  return rank_of_expert;
}

std::vector<int> place_round_robin(int num_experts, int num_ranks) {
  std::vector<int> rank_of_expert(num_experts);
  for (int expert = 0; expert < num_experts; ++expert) rank_of_expert[expert] = expert % num_ranks;
  return rank_of_expert;
}

struct Policy {
  ExpertPlacement id;
  const char* name;
  std::vector<int> (*place)(int num_experts, int num_ranks);
};

constexpr std::array<Policy, 2> kPolicies = {{
    {ExpertPlacement::contiguous, "contiguous", place_contiguous},
    {ExpertPlacement::round_robin, "round_robin", place_round_robin},
}};

}  // namespace

base::EnumNames<ExpertPlacement> names_of(ExpertPlacement) { return base::names_in(kPolicies); }

Placement place_experts(ExpertPlacement policy, int num_experts, int num_ranks) {
  CHECK(num_ranks >= 1 && num_ranks <= num_experts, "validated with the scenario");
  return model::placement_of(num_ranks,
                             base::row_of(kPolicies, policy).place(num_experts, num_ranks));
}

}  // namespace moesim::sim
