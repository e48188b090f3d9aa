// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/candidates.h"

#include <gtest/gtest.h>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

using Indices = std::vector<std::size_t>;

// Points count through the last axis first: factor 1 with the seeds 1 and 2, then factor 1.5.
TEST(Candidates, AreThePointsThatDifferInMoreThanSeeds) {
  const Sweep sweep = expand(
      small_document(R"(, "sweep": {"router.capacity_factor": [1, 1.5], "router.seed": [1, 2]})"));
  const std::vector<Candidate> candidates = candidates_of(sweep);
  ASSERT_EQ(candidates.size(), 2u);
  EXPECT_EQ(candidates[0].label, "router.capacity_factor=1");
  EXPECT_NE(candidates[0].settings, candidates[1].settings);
  EXPECT_EQ(candidates[0].points, (Indices{0, 1}));
  EXPECT_EQ(candidates[1].points, (Indices{2, 3}));
  EXPECT_EQ(points_of(candidates, {1, 0}, 1), (Indices{2, 0}));
  EXPECT_EQ(points_of(candidates, {1}, 5), (Indices{2, 3}));
}

TEST(Candidates, WhatTheSweepLeavesOutIsNone) {
  const Sweep sweep = expand(small_document(
      R"(, "sweep": {"router.capacity_factor": [1, 1.5],)"
      R"( "exclude": [{"where": {"router.capacity_factor": 1}, "reason": "known"}]})"));
  const std::vector<Candidate> candidates = candidates_of(sweep);
  ASSERT_EQ(candidates.size(), 1u);
  EXPECT_EQ(candidates[0].label, "router.capacity_factor=1.5");
}

}  // namespace
}  // namespace moesim::experiments
