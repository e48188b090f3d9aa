// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/step_story.h"

#include <gtest/gtest.h>

#include "sim/run.h"
#include "tests/experiments/compare/example_subjects.h"

namespace moesim::experiments {
namespace {

Explanation story_of(const std::vector<std::string>& assignments) {
  std::vector<std::string> all = assignments;
  all.push_back("network.fidelity=analytic");
  const Subject subject = small_subject(all);
  sim::RoutedStep routed(subject.experiment.scenario, {});
  const sim::Run run = sim::run(routed, subject.experiment.scenario);
  Explanation explanation;
  tell_step(run, routed.plans(0, {}), explanation);
  return explanation;
}

TEST(StepStory, ThePathsGroupsAndEveryRanksTimesSumToTheStep) {
  const Explanation e = story_of({});
  double path = 0;
  for (const PathGroup& group : e.path) path += group.time_s;
  EXPECT_NEAR(path, e.step_time_s, 1e-12);
  ASSERT_EQ(e.ranks.size(), 16U);
  for (const RankTimes& rank : e.ranks) {
    EXPECT_NEAR(rank.computing_s + rank.slowed_by_faults_s + rank.communicating_s + rank.idle_s(),
                e.step_time_s, 1e-12);
  }
  ASSERT_EQ(e.waits.size(), 3U);
  EXPECT_GE(e.waits[0].time_s, e.waits[1].time_s);
}

// W2's experts on rank 5 compute the longest, and all others wait for them.
TEST(StepStory, TheHotRankHoldsTheExpertsOfThePath) {
  const Explanation e =
      story_of({R"(routing.synthetic={"distribution": "w2_hot_rank", "hot_rank": 5})",
                "training.micro_batch_size=8"});
  ASSERT_EQ(e.hot_ranks.size(), 1U);
  EXPECT_EQ(e.hot_ranks[0].rank, 5);
  ASSERT_FALSE(e.waited_for.empty());
  EXPECT_EQ(e.waited_for[0].rank, 5);
  bool has_experts = false;
  for (const PathGroup& group : e.path) {
    if (group.phase != "expert") continue;
    has_experts = true;
    EXPECT_EQ(group.rank, 5);
    EXPECT_EQ(group.rank_share, 1);
    EXPECT_GT(group.over_mean_rank_s, kAlike * group.time_s);
  }
  EXPECT_TRUE(has_experts);
}

TEST(StepStory, WhereAllAreAlikeNoRankIsNamed) {
  const Explanation e = story_of({R"(routing.synthetic={"distribution": "w0_balanced"})"});
  for (const PathGroup& group : e.path) {
    EXPECT_LT(group.over_mean_rank_s, kAlike * group.time_s + 1e-15) << group.phase;
  }
  for (const PathWait& wait : e.waits) EXPECT_FALSE(wait.rank.has_value()) << wait.operation;
  EXPECT_TRUE(e.hot_ranks.empty());
  EXPECT_TRUE(e.hot_experts.empty());
}

}  // namespace
}  // namespace moesim::experiments
