// SPDX-License-Identifier: Apache-2.0
#include "model/router/selection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "model/router/scores.h"
#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

using Experts = std::vector<std::int32_t>;

RouterCache<double> chosen(RouterFixture<double>& fixture, const Matrix<double>& logits) {
  RouterCache<double> cache;
  cache.batch.tokens = static_cast<int>(logits.rows());
  cache.logits = logits;
  fixture.config.num_experts = static_cast<int>(logits.cols());
  score_experts(fixture.run(), cache);
  choose_experts(fixture.run(), cache);
  return cache;
}

Matrix<double> row(std::initializer_list<double> values) {
  Matrix<double> matrix(1, static_cast<Index>(values.size()));
  Index i = 0;
  for (const double value : values) matrix(0, i++) = value;
  return matrix;
}

TEST(Selection, TakesTheLargestAndOfEqualOnesTheLowerExpert) {
  RouterFixture<double> fixture;
  const RouterCache<double> cache = chosen(fixture, row({0, 2, 0, -1}));
  EXPECT_EQ(cache.batch.experts, (Experts{1, 0}));
  EXPECT_TRUE(cache.batch.kept.empty());
  EXPECT_EQ(cache.load, (std::vector<std::int64_t>{1, 1, 0, 0}));
}

// Sigmoids of 40 and 50 are both 1 in double, but the logits still tell them apart.
TEST(Selection, SaturatedScoresStillHaveAnOrder) {
  RouterFixture<double> fixture;
  fixture.config.score_function = ScoreFunction::sigmoid;
  fixture.config.top_k = 1;
  EXPECT_EQ(chosen(fixture, row({40, 50})).batch.experts, (Experts{1}));
}

// Sigmoids of 0, 0, ln 3: 1/2, 1/2, 3/4. A bias of 0.3 lifts expert 1 to 0.8, above expert 2, and
// leaves the scores as they are.
TEST(Selection, ABiasSelectsAndDoesNotScore) {
  RouterFixture<double> fixture;
  fixture.config.score_function = ScoreFunction::sigmoid;
  fixture.config.top_k = 1;
  fixture.weights.selection_bias = row({0, 0.3, 0});
  const RouterCache<double> cache = chosen(fixture, row({0, 0, std::log(3.0)}));
  EXPECT_EQ(cache.batch.experts, (Experts{1}));
  EXPECT_NEAR(cache.scores(0, 1), 0.5, 1e-15);
}

// Logits 3, 0 | 2, 2 | 1, 1, two groups of three. Sigmoid judges a group by its two best: 0.953 +
// 0.5 = 1.453, 0.881 x 2 = 1.762, 0.731 x 2 = 1.462: the second and the third group take part, and
// expert 0, the best of all, does not. Softmax judges by the best alone: the first two groups.
TEST(Selection, GroupsAreJudgedByTheirTwoBestOrByTheirBest) {
  RouterFixture<double> fixture;
  fixture.config.type = RouterType::group_limited;
  fixture.config.n_group = 3;
  fixture.config.topk_group = 2;
  fixture.config.top_k = 3;
  const Matrix<double> logits = row({3, 0, 2, 2, 1, 1});
  EXPECT_EQ(chosen(fixture, logits).batch.experts, (Experts{0, 2, 3}));
  fixture.config.score_function = ScoreFunction::sigmoid;
  EXPECT_EQ(chosen(fixture, logits).batch.experts, (Experts{2, 3, 4}));
  // A bias on expert 1 brings the first group back: 0.953 + 1.5.
  fixture.weights.selection_bias = row({0, 1, 0, 0, 0, 0});
  EXPECT_EQ(chosen(fixture, logits).batch.experts, (Experts{1, 0, 2}));
}

// p(group) = 0.6, 0.4; within them 0.5, 0.5 and 0.9, 0.1. The best expert of all is 2, with 0.36,
// but the group with the larger probability is the first.
TEST(Selection, TwoLevelChoosesGroupsFirst) {
  RouterFixture<double> fixture;
  fixture.config.type = RouterType::two_level;
  fixture.config.n_group = 2;
  RouterCache<double> cache;
  cache.batch.tokens = 1;
  cache.logits = row({0, 0, 0, 0});
  cache.adjusted_logits = row({std::log(0.3), std::log(0.3), std::log(0.36), std::log(0.04)});
  fixture.config.num_experts = 4;
  score_experts(fixture.run(), cache);
  choose_experts(fixture.run(), cache);
  EXPECT_EQ(cache.batch.experts, (Experts{0, 1}));
  fixture.config.topk_group = 2;
  choose_experts(fixture.run(), cache);
  EXPECT_EQ(cache.batch.experts, (Experts{2, 0}));
}

// All tokens prefer expert 0; balanced, half of them go to expert 1: those that lose least.
TEST(Selection, SinkhornBalancesWhileTraining) {
  RouterFixture<double> fixture;
  fixture.config.type = RouterType::sinkhorn;
  fixture.config.top_k = 1;
  Matrix<double> logits(4, 2);
  logits << 4, 0, 3, 0, 2, 0, 1, 0;
  EXPECT_EQ(chosen(fixture, logits).batch.experts, (Experts{0, 0, 0, 0}));
  fixture.training = true;
  EXPECT_EQ(chosen(fixture, logits).batch.experts, (Experts{0, 0, 1, 1}));
}

TEST(Selection, NoiseTakesPart) {
  RouterFixture<double> fixture;
  fixture.config.type = RouterType::noisy_top_k;
  fixture.config.top_k = 1;
  RouterCache<double> cache;
  cache.batch.tokens = 1;
  cache.logits = row({1, 0});
  cache.adjusted_logits = row({1, 5});
  fixture.config.num_experts = 2;
  score_experts(fixture.run(), cache);
  choose_experts(fixture.run(), cache);
  EXPECT_EQ(cache.batch.experts, (Experts{1}));
}

// Whatever diverging training produces, the experts stay distinct and in range.
TEST(Selection, NotANumberStillGivesDistinctExperts) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const RouterType type : {RouterType::top_k, RouterType::group_limited, RouterType::two_level,
                                RouterType::sinkhorn}) {
    RouterFixture<double> fixture;
    fixture.training = true;
    fixture.config.type = type;
    fixture.config.n_group = 2;
    fixture.config.topk_group = 2;
    fixture.config.top_k = 4;
    for (const double odd : {nan, infinity, -infinity}) {
      Experts experts = chosen(fixture, row({odd, 1, nan, odd})).batch.experts;
      std::sort(experts.begin(), experts.end());
      EXPECT_EQ(experts, (Experts{0, 1, 2, 3}));
    }
  }
}

}  // namespace
}  // namespace moesim::model
