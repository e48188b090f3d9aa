// SPDX-License-Identifier: Apache-2.0
#include "sim/report/summary.h"

#include <gtest/gtest.h>

#include <vector>

#include "sim/step/step_graph.h"

namespace moesim::sim {
namespace {

// A step of 2 ms, 1.25 times its floor, half dispatch and half experts.
Result example_result() {
  Result result;
  result.scenario.name = "example";
  result.scenario.num_ranks = 1;
  result.step_time_s = 2e-3;
  result.analytic_floor_s = 1.6e-3;
  result.mfu = 0.125;
  result.peak_tflops_used = 989;
  result.drop_rate = 0.0312;
  for (int phase = 0; phase < kNumPhases; ++phase) {
    const std::string name(name_of(static_cast<Phase>(phase)));
    result.phase_time_s[name] = result.mean_rank_time_s[name] = 0;
  }
  result.phase_time_s["idle"] = result.mean_rank_time_s["idle"] = 0;
  result.phase_time_s["dispatch"] = result.phase_time_s["expert"] = 1e-3;
  return result;
}

bool has_line(const std::string& text, const std::string& line) {
  return text.find(line + "\n") != std::string::npos;
}

TEST(Summary, SaysStepTimeFloorAndPhases) {
  const std::string text = summary_text(example_result());
  EXPECT_TRUE(has_line(text, "  elapsed time per iteration (ms)      2.000"));
  EXPECT_TRUE(
      has_line(text, "  analytic floor (ms)                  1.600  (this step is 1.250x it)"));
  EXPECT_TRUE(has_line(text, "  MFU                                  12.5 %  (peak 989 TFLOP/s)"));
  EXPECT_TRUE(has_line(text, "  drop rate                            3.12 %"));
  // Half of the step: 15 of 30 marks.
  EXPECT_NE(text.find("  dispatch              1.000 ms   50.0 %"), std::string::npos);
  EXPECT_NE(text.find("  " + std::string(15, '#') + "\n"), std::string::npos);
  EXPECT_EQ(text.find("attention"), std::string::npos) << "phases without time are left out";
  EXPECT_EQ(text.find("most loaded links"), std::string::npos) << "there are none";
}

TEST(Summary, SaysWhereAFailureMadeAStepFaster) {
  Result result = example_result();
  result.analytic_floor_s = 2.5e-3;
  EXPECT_TRUE(has_line(summary_text(result),
                       "  analytic floor (ms)                  2.500  (0.800x: ways around a "
                       "failure collide less)"));
}

TEST(Summary, WarningsStandAboveTheFigures) {
  Result result = example_result();
  result.warnings = {"out of memory"};
  const std::string text = summary_text(result);
  EXPECT_LT(text.find("warning: out of memory"), text.find("elapsed time"));
}

TEST(Comparison, OneLineAPointWithItsFiguresOrItsReason) {
  std::vector<Result> results{example_result(), example_result()};
  results[0].scenario.swept["router.capacity_factor"] = base::json_of(1.25);
  results[0].validation_loss = 3.0353;
  results[0].deciding_tier = "nic";
  results[1].scenario.swept["router.capacity_factor"] = base::json_of(1.5);
  results[1].scenario.index = 7;  // those between are another machine's
  results[1].status = "skipped";
  results[1].reason = "too small";
  const std::string text = comparison_text(results);
  EXPECT_TRUE(has_line(text,
                       "   0        2.000    1.250   12.50    3.12      3.0353         nic  "
                       "router.capacity_factor=1.25"));
  EXPECT_TRUE(has_line(text, "   7 skipped: too small  (router.capacity_factor=1.5)"));
}

TEST(Comparison, WarningsOfPointsStandBelowThemEachKindOnce) {
  std::vector<Result> results(14, example_result());
  for (int i = 0; i < 14; ++i) results[i].scenario.index = i;
  for (int i = 1; i < 13; ++i) results[i].warnings = {"needs " + std::to_string(80 + i) + ".5 GB"};
  results[3].warnings.emplace_back("dropped");
  const std::string text = comparison_text(results);
  EXPECT_TRUE(has_line(text,
                       "warning of points 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more: needs 81.5 GB; "
                       "the others alike"))
      << text;
  EXPECT_TRUE(has_line(text, "warning of point 3: dropped")) << text;
}

// Their names differ in digits alone.
TEST(Comparison, WarningsOfOtherMachinesStayApart) {
  std::vector<Result> results(3, example_result());
  for (int i = 0; i < 3; ++i) results[i].scenario.index = i;
  results[0].warnings = {"fitted to H100, and 2.5 times as fast"};
  results[1].warnings = {"fitted to H20, and 2.5 times as fast"};
  results[2].warnings = {"fitted to H20, and 3 times as fast"};
  const std::string text = comparison_text(results);
  EXPECT_TRUE(has_line(text, "warning of point 0: fitted to H100, and 2.5 times as fast")) << text;
  EXPECT_TRUE(has_line(text,
                       "warning of points 1, 2: fitted to H20, and 2.5 times as fast; the others "
                       "alike"))
      << text;
}

TEST(Comparison, SaysWhereComputeTimesComeFrom) {
  std::vector<Result> results(3, example_result());
  for (int i = 0; i < 3; ++i) results[i].scenario.index = i;
  for (Result& result : results) result.cost_source = "roofline";
  EXPECT_EQ(comparison_text(results).find("compute times"), std::string::npos);
  results[1].cost_source = "table t";
  const std::string text = comparison_text(results);
  EXPECT_TRUE(has_line(text, "compute times of points 0, 2: roofline")) << text;
  EXPECT_TRUE(has_line(text, "compute times of point 1: table t")) << text;
  EXPECT_TRUE(
      has_line(comparison_text(std::span(results).subspan(1, 1)), "compute times: table t"));
}

TEST(Summary, HeldByIsAShareOfTheCollectivesTime) {
  Result result = example_result();
  // Two groups at once: 4 ms of collectives in a step of 2 ms.
  result.link_tiers = {{"nic", 1e9, 0.5, 3e-3}, {"scale_up", 1e9, 0.2, 1e-3}};
  result.cost_source = "table t";
  const std::string text = summary_text(result);
  EXPECT_TRUE(
      has_line(text, "  held by nic links                    75.0 % of the collectives' time"));
  EXPECT_TRUE(has_line(text, "  compute times                        table t"));
}

}  // namespace
}  // namespace moesim::sim
