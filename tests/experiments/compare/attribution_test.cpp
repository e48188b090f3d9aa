// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/attribution.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/experiments/compare/example_subjects.h"

namespace moesim::experiments {
namespace {

double sum(const std::vector<double>& parts) {
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

// W0, nothing dropped: compute and network do not wait for each other, so each has its own time,
// and nothing else has any.
TEST(Attribution, ABalancedStepIsComputeAndNetwork) {
  const Subject subject = small_subject({"routing.synthetic={\"distribution\": \"w0_balanced\"}"});
  RoutedSteps batches({});
  WhatIf what_if(subject.experiment.scenario, batches);
  const std::vector<double> parts = parts_by_cause(what_if);
  const double step = what_if.step_time({});
  EXPECT_NEAR(parts[0], what_if.step_time({.infinite_network = true}), 1e-9 * step);
  EXPECT_NEAR(parts[1], what_if.step_time({.infinite_compute = true}), 1e-9 * step);
  for (std::size_t i = 2; i < parts.size(); ++i) EXPECT_NEAR(parts[i], 0, 1e-9 * step) << i;
}

TEST(Attribution, PartsOfAnyStepSumToIt) {
  const Subject subject = small_subject({"router.capacity_factor=0.75"});
  RoutedSteps batches({});
  WhatIf what_if(subject.experiment.scenario, batches);
  const std::vector<double> parts = parts_by_cause(what_if);
  const double step = what_if.step_time({});
  EXPECT_NEAR(sum(parts), step, 1e-12 * step);
  EXPECT_LT(parts[3], 0);  // dropping saves time
  EXPECT_GT(step_times_without(what_if)[3], step);
}

TEST(Attribution, SectionsSumToTheDifference) {
  const Subject a = small_subject();
  const Subject b = small_subject({"cluster.node.nic_bandwidth=25 GB/s", "comm.kernel_latency=9 us",
                                   "training.micro_batch_size=2"});
  RoutedSteps batches({});
  const SectionParts done = parts_by_section(a, b, {"training", "cluster", "comm"}, batches);
  ASSERT_EQ(done.parts.size(), 3U) << done.not_done;
  const double difference = WhatIf(b.experiment.scenario, batches).step_time({}) -
                            WhatIf(a.experiment.scenario, batches).step_time({});
  EXPECT_NEAR(sum(done.parts), difference, 1e-12 * difference);
  // Four exchanges and one all-reduce of 9 us more, whatever the rest.
  EXPECT_NEAR(done.parts[2], 5 * 9e-6, 1e-9);
}

TEST(Attribution, OneSectionHasAllOfIt) {
  const Subject a = small_subject();
  const Subject b = small_subject({"comm.kernel_latency=9 us"});
  RoutedSteps batches({});
  EXPECT_NEAR(parts_by_section(a, b, {"comm"}, batches).parts.at(0), 5 * 9e-6, 1e-9);
}

// Groups of 16 ranks on the one node of eight that the other has.
TEST(Attribution, AMixtureThatCannotBeSaysSo) {
  const Subject a = small_subject({"parallel.expert_model_parallel_size=16"});
  const Subject b = small_subject({"parallel.expert_model_parallel_size=8", "cluster.num_nodes=1"});
  RoutedSteps batches({});
  const SectionParts done = parts_by_section(a, b, {"parallel", "cluster"}, batches);
  EXPECT_TRUE(done.parts.empty());
  EXPECT_EQ(done.not_done.rfind("A with the cluster of B cannot be: /parallel", 0), 0U)
      << done.not_done;
  EXPECT_NE(parts_by_section(a, b, {"a", "b", "c", "d", "e"}, batches).not_done.find("too many"),
            std::string::npos);
}

}  // namespace
}  // namespace moesim::experiments
