// SPDX-License-Identifier: Apache-2.0
// The oracle itself, worked out by hand.
#include "tests/support/max_min_solver.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace moesim::testing {
namespace {

void expect_ends(const std::vector<double>& ends, const std::vector<double>& expected) {
  ASSERT_EQ(ends.size(), expected.size());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    EXPECT_NEAR(ends[i], expected[i], 1e-9 * expected[i]) << "flow " << i;
  }
}

// The text book's case (Bertsekas and Gallager, section 6.5.2): links of 1, three flows over link
// 0, one of them also over link 1 of capacity 1 with a flow of its own. Link 0 gives 1/3 each; the
// lone flow takes the other 2/3 of link 1. 1 byte each: the lone one ends at 1.5 s, the three at 3.
TEST(MaxMinSolver, WhatOneLinkCannotUseAnotherFlowGets) {
  expect_ends(max_min_ends({1, 1}, {{{0}, 1, 0}, {{0}, 1, 0}, {{0, 1}, 1, 0}, {{1}, 1, 0}}),
              {3, 3, 3, 1.5});
}

// 10 B at weight 3 and 10 B at weight 1 on a link of 4 B/s: rates 3 and 1. The first ends at 10/3
// s, when the other has 20/3 B left at 4 B/s: 10/3 + 5/3 = 5 s.
TEST(MaxMinSolver, WeightsDivideALink) {
  Flow heavy{{0}, 10, 0};
  heavy.weight = 3;
  expect_ends(max_min_ends({4}, {heavy, {{0}, 10, 0}}), {10.0 / 3, 5});
}

// 12 B over a port of 6 B/s, half over each of two links of 4 and 1 B/s, beside a message of 4 B
// that has the first link with them. On that link weights 0.5 and 1: 4/3 and 8/3 B/s; the other
// way gets its link's 1 B/s. The whole message ends at 1.5 s with 2 of 6 B gone on the first way,
// whose other 4 B go at 4 B/s: 2.5 s. The second way's 6 B take 6 s.
TEST(MaxMinSolver, WaysOfASplitMessageWeighTheirShares) {
  Flow one{{0, 1}, 6, 0};
  Flow other{{0, 2}, 6, 0};
  one.weight = other.weight = 0.5;
  expect_ends(max_min_ends({6, 4, 1}, {one, other, {{1}, 4, 0}}), {2.5, 6, 1.5});
}

// 4 B at 2 B/s end at 2 s; the second starts 1 s after that and takes 2 s: 5 s. The third, of 0 B,
// ends when it starts.
TEST(MaxMinSolver, AFlowStartsWhenThoseBeforeItHaveEnded) {
  const Flow second{{0}, 4, 1, {0}};
  const Flow third{{0}, 0, 0.5, {0, 1}};
  expect_ends(max_min_ends({2}, {{{0}, 4, 0}, second, third}), {2, 5, 5.5});
}

TEST(MaxMinSolver, ACircleOfWaitsIsRefused) {
  const Flow first{{0}, 1, 0, {1}};
  const Flow second{{0}, 1, 0, {0}};
  EXPECT_THROW(max_min_ends({1}, {first, second}), std::runtime_error);
}

}  // namespace
}  // namespace moesim::testing
