// SPDX-License-Identifier: Apache-2.0
#include "model/router/expert_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

RoutingBatch chosen(RouterFixture<double>& fixture, const Matrix<double>& scores) {
  RouterCache<double> cache;
  cache.scores = scores;
  cache.batch.tokens = static_cast<int>(scores.rows());
  cache.batch.num_experts = static_cast<int>(scores.cols());
  fixture.config.num_experts = cache.batch.num_experts;
  fixture.config.type = RouterType::expert_choice;
  choose_tokens(fixture.run(), cache);
  return cache.batch;
}

// Four tokens, two experts, top_k 1: two tokens each. Expert 0's scores 0.9, 0.8, 0.7, 0.1 take
// tokens 0 and 1, expert 1's 0.1, 0.6, 0.3, 0.6 tokens 1 and 3. Token 1 has both, token 2 none.
TEST(ExpertChoice, EachExpertTakesItsBestTokens) {
  Matrix<double> scores(4, 2);
  scores << 0.9, 0.1, 0.8, 0.6, 0.7, 0.3, 0.1, 0.6;
  RouterFixture<double> fixture;
  fixture.config.top_k = 1;
  const RoutingBatch batch = chosen(fixture, scores);
  EXPECT_EQ(batch.top_k, 2);
  EXPECT_EQ(batch.experts,
            (std::vector<std::int32_t>{0, kNoExpert, 0, 1, kNoExpert, kNoExpert, 1, kNoExpert}));
  EXPECT_EQ(batch.kept, (std::vector<std::uint8_t>{1, 0, 1, 1, 0, 0, 1, 0}));
}

// Equal scores: 1.5 x 4 x 1 / 2 = 3 tokens each, the first three.
TEST(ExpertChoice, OfEqualScoresTheLowerTokenIsTaken) {
  RouterFixture<double> fixture;
  fixture.config.top_k = 1;
  fixture.config.capacity_factor = 1.5;
  const RoutingBatch batch = chosen(fixture, Matrix<double>::Constant(4, 2, 0.5));
  EXPECT_EQ(batch.experts, (std::vector<std::int32_t>{0, 1, 0, 1, 0, 1, kNoExpert, kNoExpert}));
}

TEST(ExpertChoice, NotANumberIsTakenLast) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Matrix<double> scores(4, 1);
  scores << nan, 0.1, nan, 0.2;
  RouterFixture<double> fixture;
  fixture.config.top_k = 1;
  fixture.config.capacity_factor = 0.5;
  const RoutingBatch batch = chosen(fixture, scores);
  EXPECT_EQ(batch.experts, (std::vector<std::int32_t>{kNoExpert, 0, kNoExpert, 0}));
}

// Without empty slots all are kept, which an empty `kept` says; a factor beyond the tokens takes
// them all.
TEST(ExpertChoice, TakesNoMoreTokensThanThereAre) {
  RouterFixture<double> fixture;
  fixture.config.capacity_factor = 100.0;
  const RoutingBatch batch = chosen(fixture, Matrix<double>::Constant(3, 2, 0.5));
  EXPECT_EQ(batch.top_k, 2);
  EXPECT_TRUE(batch.kept.empty());
}

// Every expert has the same load, and no token that an expert left is better than one it took.
TEST(ExpertChoice, LoadIsEvenAndTheBestAreTaken) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Rng rng(seed, "expert choice");
    RouterFixture<double> fixture;
    const int tokens = 1 + static_cast<int>(rng.below(70));
    const int experts = 1 + static_cast<int>(rng.below(9));
    fixture.config.top_k = 1 + static_cast<int>(rng.below(experts));
    Matrix<double> scores(tokens, experts);
    for (Index i = 0; i < scores.size(); ++i) scores.data()[i] = static_cast<double>(rng.below(9));
    const RoutingBatch batch = chosen(fixture, scores);
    Matrix<double> taken = Matrix<double>::Zero(tokens, experts);
    for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
      if (batch.experts[pair] == kNoExpert) continue;
      taken(static_cast<Index>(pair) / batch.top_k, batch.experts[pair]) += 1;
    }
    const int load = (tokens * fixture.config.top_k + experts - 1) / experts;
    EXPECT_LE(taken.maxCoeff(), 1) << "seed " << seed;
    for (int e = 0; e < experts; ++e) {
      EXPECT_EQ(taken.col(e).sum(), std::min(load, tokens)) << "seed " << seed;
      double worst_taken = 1e9;
      double best_left = -1;
      for (int t = 0; t < tokens; ++t) {
        if (taken(t, e) == 1) worst_taken = std::min(worst_taken, scores(t, e));
        if (taken(t, e) == 0) best_left = std::max(best_left, scores(t, e));
      }
      EXPECT_GE(worst_taken, best_left) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace moesim::model
