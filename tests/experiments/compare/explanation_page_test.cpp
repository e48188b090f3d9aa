// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "experiments/compare/explanation.h"

namespace moesim::experiments {
namespace {

bool has(const std::string& page, const std::string& line) {
  return page.find(line + "\n") != std::string::npos;
}

Explanation example() {
  Explanation e;
  e.title = "example";
  e.step_time_s = 0.01;
  e.verdict = {"It is so."};
  e.causes = {{"network", 0.006, 0.0041}, {"placement", -1e-19, 0.01}};
  e.path = {{"dispatch", true, 0.006, 4, {}, 0, 0, "dispatch L1 mb0 fwd", 0.002},
            {"expert", false, 0.0039, 4, 3, 0.75, 0.001, "expert L1 mb0 bwd", 0.0015},
            {"head", false, 1e-6, 1, 0, 1, 0, "head mb0 bwd", 1e-6}};
  e.waits = {{"expert L1 mb0 fwd", 3, "dispatch L1 mb0 fwd", 0.002},
             {"optimizer", {}, "all_reduce", 0.001}};
  e.mean_rank = {{}, 0.003, 0, 0.006, 0.001, 0, 0};
  e.ranks = {{0, 0.002, 0, 0.006, 0.002, 0, 0}, {3, 0.004, 0, 0.006, 0, 0, 0}};
  e.waited_for = {{3, 0.001}};
  e.deciding_tier = "nic";
  e.cost_source = "table t";
  // Two groups at once: collectives of 24 ms in a step of 10.
  e.link_tiers = {{"nic", 1e9, 0.5, 0.018}, {"scale_up", 1e9, 0.2, 0.006}};
  e.hottest_links = {{"a->b", 1e9, 0.5, 3}};
  return e;
}

TEST(ExplanationPage, SaysWhatHoldsTheStep) {
  const std::string page = explanation_page(example());
  EXPECT_TRUE(has(page, "example: a step of 10.000 ms"));
  EXPECT_TRUE(has(page, "  It is so."));
  EXPECT_TRUE(
      has(page, "  network                      6.000 ms    60.0 %                   4.100 ms"))
      << page;
  EXPECT_TRUE(
      has(page, "  placement                    0.000 ms     0.0 %                  10.000 ms"))
      << page;
  EXPECT_TRUE(has(page,
                  "  dispatch           6.000 ms   60.0 %  4 exchanges; longest: dispatch L1 "
                  "mb0 fwd, 2.000 ms"))
      << page;
  EXPECT_TRUE(has(page,
                  "  expert             3.900 ms   39.0 %  4 operations, together 1.000 ms "
                  "more than a mean rank's, 75 % on rank 3; longest: expert L1 mb0 bwd, 1.500 ms"))
      << page;
  EXPECT_EQ(page.find("  head"), std::string::npos);
  EXPECT_TRUE(has(page, "  expert L1 mb0 fwd on rank 3 waits 2.000 ms for dispatch L1 mb0 fwd"));
  EXPECT_TRUE(has(page, "  optimizer of all ranks waits 1.000 ms for all_reduce"));
  EXPECT_NE(page.find("  rank 0: most         20.0 %      60.0 %"), std::string::npos) << page;
  EXPECT_TRUE(has(page, "  a mean rank waits while others compute: rank 3 1.000 ms"));
  EXPECT_TRUE(has(page, "links: nic links decide"));
  EXPECT_TRUE(has(page,
                  "  nic            hold 75.0 % of the collectives' time, the busiest is 50.0 %"
                  " busy"))
      << page;
  EXPECT_TRUE(has(page, "  Compute times: table t."));
  EXPECT_EQ(page.find("faults"), std::string::npos);
  EXPECT_EQ(page.find("inputs"), std::string::npos);
}

TEST(ExplanationPage, FaultsHaveAColumnWhereThereAreAny) {
  Explanation e = example();
  e.mean_rank.waiting_for_faults_s = 0.0005;
  EXPECT_NE(explanation_page(e).find("faults"), std::string::npos);
}

TEST(ExplanationPage, ListsWhatTheAnswerHangsOnAndWhatNot) {
  Explanation e = example();
  InputSensitivity& sensitivity = e.sensitivity.emplace();
  sensitivity.effects = {{"comm.a", "1 us", "1.1 us", 0.05}, {"comm.b", "1 us", "1.1 us", 1e-4}};
  sensitivity.without_effect = {"comm.b"};
  sensitivity.not_varied = {"comm.c: is one"};
  const std::string page = explanation_page(e);
  EXPECT_TRUE(has(page, "    +5.00 %  comm.a  1 us -> 1.1 us")) << page;
  EXPECT_TRUE(has(page, "the answer does not hang on (less than 0.1 %):\n  comm.b"));
  EXPECT_TRUE(has(page, "  not varied: comm.c: is one"));
  EXPECT_EQ(page.find("comm.b  1 us"), std::string::npos);
}

}  // namespace
}  // namespace moesim::experiments
