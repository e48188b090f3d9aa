// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/choice_counter.h"

#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"

namespace moesim::sim {
namespace {

// Two ranks a node, two experts a rank:
//   rank 0: experts 0, 1   rank 1: 2, 3   rank 2: 4, 5   rank 3: 6, 7
const Placement kPlacement = place_experts(ExpertPlacement::contiguous, 8, 4);
const GroupLayout kLayout{2, {0, 0, 1, 1}};

// Token 0 -> experts 0, 1, 4 (rank 0 twice, rank 2); token 1 -> 4, 6, 2 (ranks 2, 3, 1): as in
// DispatchPlan.CountsPairsCopiesAndNodesOfOneSource.
TEST(ChoiceCounter, CountsPairsCopiesAndNodes) {
  const auto counter = make_choice_counter(kPlacement, kLayout, 3);
  counter->add(std::vector<std::int32_t>{0, 1, 4, 4, 6, 2});
  const SourceCounts counts = counter->take();
  EXPECT_EQ(counts.tokens, 2);
  EXPECT_EQ(counts.routed_pairs, 6);
  EXPECT_EQ(counts.expert_demand, (std::vector<int>{1, 1, 1, 0, 2, 0, 1, 0}));
  EXPECT_EQ(counts.replica_rows, counts.expert_demand);
  EXPECT_EQ(counts.rank_copies, (std::vector<int>{1, 1, 2, 1}));
  EXPECT_EQ(counts.node_copies, (std::vector<int>{2, 2}));
  EXPECT_EQ(counter->take().routed_pairs, 0) << "it begins anew";
}

std::vector<std::int32_t> random_choices(base::Rng& rng, int tokens, int top_k, int experts) {
  std::vector<std::int32_t> choices;
  for (int token = 0; token < tokens; ++token) {
    std::set<std::int32_t> chosen;
    while (static_cast<int>(chosen.size()) < top_k) {
      chosen.insert(static_cast<std::int32_t>(rng.below(1 + rng.below(experts))));
    }
    choices.insert(choices.end(), chosen.begin(), chosen.end());
  }
  return choices;
}

void expect_equal(const SourceCounts& counts, const SourceCounts& expected) {
  EXPECT_EQ(counts.tokens, expected.tokens);
  EXPECT_EQ(counts.routed_pairs, expected.routed_pairs);
  EXPECT_EQ(counts.expert_demand, expected.expert_demand);
  EXPECT_EQ(counts.rank_copies, expected.rank_copies);
  EXPECT_EQ(counts.node_copies, expected.node_copies);
  EXPECT_EQ(counts.replica_rows, expected.replica_rows);
}

// Pair after pair, as batches with drops and replicas are counted; every width of mask.
TEST(ChoiceCounter, CountsWhatCountSourceCounts) {
  for (const int ranks : {1, 4, 100, 200, 900}) {
    base::Rng rng(ranks, "choice counter");
    const int experts = ranks + 5;
    const Placement placement = place_experts(ExpertPlacement::round_robin, experts, ranks);
    GroupLayout layout{(ranks + 7) / 8, {}};
    for (int rank = 0; rank < ranks; ++rank) layout.node_of_rank.push_back(rank / 8);
    const auto counter = make_choice_counter(placement, layout, 3);
    ASSERT_NE(counter, nullptr);
    for (const int tokens : {0, 1, 7, 8, 300}) {
      model::RoutingBatch batch{tokens, 3, experts, {}, {}, {}};
      batch.experts = random_choices(rng, tokens, 3, experts);
      const std::span<const std::int32_t> all = batch.experts;
      const auto half = static_cast<std::size_t>(tokens / 2) * 3;
      counter->add(all.first(half));
      counter->add(all.subspan(half));
      expect_equal(counter->take(), count_source(batch, 0, placement, layout));
    }
  }
}

TEST(ChoiceCounter, LeavesReplicasAndVeryLargeGroupsToOthers) {
  EXPECT_EQ(make_choice_counter({3, {{0, 2}, {1}}}, {3, {0, 1, 2}}, 1), nullptr);
  const Placement large = place_experts(ExpertPlacement::contiguous, 1024, 1024);
  EXPECT_EQ(make_choice_counter(large, {1, std::vector<int>(1024, 0)}, 1), nullptr);
}

}  // namespace
}  // namespace moesim::sim
