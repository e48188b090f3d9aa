// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "base/rng.h"

namespace moesim::model {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The choices of one token.
std::vector<std::int32_t> choose(const std::vector<double>& scores, int top_k, int n_group = 1,
                                 int topk_group = 1, int group_best = 2) {
  const Selection<double> selection{
      scores.data(), 1, static_cast<int>(scores.size()), top_k, n_group, topk_group, group_best};
  std::vector<std::int32_t> experts(top_k);
  select_experts(selection, 0, 1, experts.data());
  return experts;
}

using Experts = std::vector<std::int32_t>;

TEST(Select, TakesTheLargestFirst) {
  EXPECT_EQ(choose({0.1, 0.4, 0.2, 0.3}, 2), (Experts{1, 3}));
  EXPECT_EQ(choose({-1, -3, -2}, 3), (Experts{0, 2, 1}));
}

TEST(Select, GivesTiesToTheLowerExpert) {
  EXPECT_EQ(choose({1, 2, 2, 1, 2}, 4), (Experts{1, 2, 4, 0}));
  EXPECT_EQ(choose(std::vector<double>(20, 0), 3), (Experts{0, 1, 2}));
}

TEST(Select, TakesWhatIsNoNumberLast) {
  EXPECT_EQ(choose({kNan, -1e300, kNan, 0}, 4), (Experts{3, 1, 0, 2}));
  EXPECT_EQ(choose({kNan, kNan, kNan}, 2), (Experts{0, 1}));
  EXPECT_EQ(choose({-kInfinity, 5, kInfinity}, 3), (Experts{2, 1, 0}));
}

// Groups of 3 with sums of the two best: 9 + 0, 5 + 5, 6 + 3, 4 + 4. By best two: groups 1 and 0 (9
// ties with 9, the lower wins), whose experts by score are 9, 5, 5. By best one: groups 0 and 2.
TEST(Select, LimitsTheGroups) {
  const std::vector<double> scores{9, 0, 0, 5, 5, 1, 6, 3, 0, 4, 4, 4};
  EXPECT_EQ(choose(scores, 3, 4, 2, 2), (Experts{0, 3, 4}));
  EXPECT_EQ(choose(scores, 3, 4, 2, 1), (Experts{0, 6, 7}));
  EXPECT_EQ(choose(scores, 3, 4, 1, 2), (Experts{3, 4, 5}));
  EXPECT_EQ(choose(scores, 2, 4, 4, 2), (Experts{0, 6}));
}

// A group's best may be asked for more members than it has; a group with a NaN counts last.
TEST(Select, LimitsSmallAndDamagedGroups) {
  EXPECT_EQ(choose({1, 7, 3}, 1, 3, 1, 2), (Experts{1}));
  EXPECT_EQ(choose({kNan, 9, 1, 2}, 2, 2, 1, 2), (Experts{3, 2}));
  EXPECT_EQ(choose({kNan, kNan, kNan, kNan}, 2, 2, 1, 2), (Experts{0, 1}));
}

TEST(Select, WritesOnlyTheTokensAsked) {
  const std::vector<double> scores{1, 2, 2, 1, 1, 2};
  const Selection<double> selection{scores.data(), 3, 2, 1};
  Experts experts(3, -7);
  select_experts(selection, 1, 2, experts.data());
  EXPECT_EQ(experts, (Experts{-7, 0, -7}));
}

TEST(Select, RefusesMoreThanThereAre) {
  EXPECT_THROW(choose({1, 2}, 3), base::InvariantViolation);
  EXPECT_THROW(choose({1, 2, 3, 4}, 3, 2, 1), base::InvariantViolation);
  EXPECT_THROW(choose({1, 2, 3}, 1, 2, 1), base::InvariantViolation);
}

// The definition: sort groups, keep the best; sort their experts. Scores of few values make ties.
Experts choose_by_sorting(const std::vector<double>& scores, const Selection<double>& s) {
  const int size = s.num_experts / s.n_group;
  std::vector<double> group_scores(s.n_group);
  for (int group = 0; group < s.n_group; ++group) {
    std::vector<double> members(scores.begin() + group * size, scores.begin() + (group + 1) * size);
    std::sort(members.rbegin(), members.rend());
    const int best = std::min(size, s.group_best);
    group_scores[group] = std::accumulate(members.begin(), members.begin() + best, 0.0);
  }
  const auto falling = [](const std::vector<double>& values) {
    Experts order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int x, int y) { return values[x] > values[y]; });
    return order;
  };
  const Experts groups = falling(group_scores);
  Experts chosen;
  for (const std::int32_t expert : falling(scores)) {
    const auto end = groups.begin() + s.topk_group;
    if (std::find(groups.begin(), end, expert / size) != end) chosen.push_back(expert);
  }
  chosen.resize(s.top_k);
  return chosen;
}

TEST(Select, EqualsSortingForManyShapes) {
  for (int seed = 0; seed < 400; ++seed) {
    base::Rng rng(seed, "select");
    const auto up_to = [&](int bound) { return 1 + static_cast<int>(rng.below(bound)); };
    const int n_group = up_to(6);
    const int size = up_to(12);
    const int topk_group = up_to(n_group);
    const int top_k = up_to(topk_group * size);
    std::vector<double> scores(n_group * size);
    for (double& score : scores) score = static_cast<double>(rng.below(8));
    const Selection<double> selection{scores.data(), 1,          n_group * size, top_k,
                                      n_group,       topk_group, up_to(3)};
    Experts experts(top_k);
    select_experts(selection, 0, 1, experts.data());
    ASSERT_EQ(experts, choose_by_sorting(scores, selection)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace moesim::model
