// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "experiments/compare/step_story.h"

namespace moesim::experiments {
namespace {

using Sentences = std::vector<std::string>;

// A step of 10 ms in 4 MoE layers, 6 of them network.
Explanation example() {
  Explanation e;
  e.step_time_s = 0.01;
  e.num_moe_layers = 4;
  e.causes = {{"compute", 0.004, 0.006}, {"network", 0.006, 0.004}};
  e.deciding_tier = "nic";
  return e;
}

const char* const kNetwork =
    "The largest part is network, 60 % of the step; collectives wait most for nic links.";

TEST(Verdict, NobodyStandsOut) {
  EXPECT_EQ(verdict_of(example()), (Sentences{kNetwork, "No rank or expert stands out."}));
}

TEST(Verdict, ARankThatIsHotInThreeQuartersOfTheLayersIsNamed) {
  Explanation e = example();
  e.hot_ranks = {{5, 3, 4.0}, {7, 1, 1.2}};
  e.waited_for = {{5, 0.003}, {7, 0.001}};
  EXPECT_EQ(
      verdict_of(e)[1],
      "Hot rank: rank 5 (4.00x the mean load in 3 of 4 MoE layers; a mean rank waits 3.000 ms "
      "for it).");
  EXPECT_EQ(verdict_of(e).size(), 2U);
}

TEST(Verdict, ManyHotRanksAreCounted) {
  Explanation e = example();
  for (int rank = 0; rank < 5; ++rank) e.hot_ranks.push_back({rank, 4, 2.0});
  const std::string text = verdict_of(e)[1];
  EXPECT_EQ(text.rfind("Hot ranks: rank 0 (2.00x the mean load in 4 of 4 MoE layers), rank 1", 0),
            0U);
  EXPECT_NE(text.find(" and 2 more."), std::string::npos);
}

TEST(Verdict, RanksThatTakeTurnsAreNotHotThroughout) {
  Explanation e = example();
  e.hot_ranks = {{2, 1, 3.0}, {3, 1, 2.9}};
  e.hot_experts = {{0, 17, 2, 3.5}};
  EXPECT_EQ(verdict_of(e)[1],
            "No rank is hot throughout; 2 are in single layers, rank 2 in 1 of 4 (3.00x the mean); "
            "the hottest expert: expert 17 of MoE layer 0 on rank 2 (3.50x the mean; 1 stands "
            "out).");
}

TEST(Verdict, ASlowAcceleratorIsNamedThoughItIsNotHot) {
  Explanation e = example();
  e.waited_for = {{1, 0.002}};
  e.mean_rank.slowed_by_faults_s = 0.0005;
  e.mean_rank.waiting_for_faults_s = 0.001;
  EXPECT_EQ(
      verdict_of(e),
      (Sentences{kNetwork, "No rank or expert stands out.",
                 "A mean rank waits 2.000 ms while rank 1 computes.",
                 "Slow accelerators (faults) cost a mean rank 0.500 ms itself and 1.000 ms of "
                 "waiting."}));
}

}  // namespace
}  // namespace moesim::experiments
