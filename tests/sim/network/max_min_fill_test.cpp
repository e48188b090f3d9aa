// SPDX-License-Identifier: Apache-2.0
#include "sim/network/max_min_fill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/rng.h"

namespace moesim::sim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

IntLists lists(const std::vector<std::vector<int>>& items) {
  IntLists made;
  for (const std::vector<int>& list : items) made.append(list);
  return made;
}

std::vector<double> rates(const IntLists& links_of, const std::vector<double>& capacities,
                          const std::vector<double>& caps) {
  const Fluid fluid{capacities, links_of, std::vector<double>(links_of.items.size(), 1.0), {}};
  std::vector<double> found;
  MaxMinFill(fluid).fill(caps, found);
  return found;
}

// Link 1 of 4 is full first, at 2 for messages 0 and 2; message 1 gets the 8 that are left of 10.
TEST(MaxMinFill, TheTightestLinkIsFullFirst) {
  EXPECT_EQ(rates(lists({{0, 1}, {0}, {1}}), {10, 4}, {kInfinity, kInfinity, kInfinity}),
            (std::vector<double>{2, 8, 2}));
}

// Message 0 may have 1 of both links: 5 of 6 are left for message 1, 9 of 10 for message 2.
TEST(MaxMinFill, WhatACapLeavesGoesToTheOthers) {
  EXPECT_EQ(rates(lists({{0, 1}, {0}, {1}}), {6, 10}, {1, kInfinity, kInfinity}),
            (std::vector<double>{1, 5, 9}));
}

TEST(MaxMinFill, ACapOfNothingIsAMessageThatHasArrived) {
  EXPECT_EQ(rates(lists({{0}, {0}, {0}}), {9}, {0, kInfinity, 3}), (std::vector<double>{0, 6, 3}));
}

// What defines max-min fairness: no link is overloaded, and each message is at its cap or crosses a
// full link on which none is faster.
TEST(MaxMinFill, EachMessageIsHeldByItsCapOrByAFullLinkWhereNoneIsFaster) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    base::Rng rng(seed, "max_min_fill");
    std::vector<double> capacities;
    for (int l = 0; l < 12; ++l) capacities.push_back(1 + 9 * rng.uniform());
    std::vector<std::vector<int>> links_of;
    std::vector<double> caps;
    for (int m = 0; m < 60; ++m) {
      const int first = static_cast<int>(rng.below(6));
      links_of.push_back({first, 6 + static_cast<int>(rng.below(6))});
      caps.push_back(rng.below(3) == 0 ? rng.uniform() : kInfinity);
    }
    const std::vector<double> found = rates(lists(links_of), capacities, caps);
    std::vector<double> used(12, 0.0);
    std::vector<double> fastest(12, 0.0);
    for (int m = 0; m < 60; ++m) {
      EXPECT_LE(found[m], caps[m]);
      for (const int link : links_of[m]) {
        used[link] += found[m];
        fastest[link] = std::max(fastest[link], found[m]);
      }
    }
    for (int l = 0; l < 12; ++l) EXPECT_LE(used[l], capacities[l] * (1 + 1e-12));
    for (int m = 0; m < 60; ++m) {
      const bool held = std::any_of(links_of[m].begin(), links_of[m].end(), [&](int link) {
        return used[link] >= capacities[link] * (1 - 1e-12) &&
               found[m] >= fastest[link] * (1 - 1e-12);
      });
      EXPECT_TRUE(held || found[m] == caps[m]) << "seed " << seed << ", message " << m;
    }
  }
}

}  // namespace
}  // namespace moesim::sim
