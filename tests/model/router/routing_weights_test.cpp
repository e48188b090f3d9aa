// SPDX-License-Identifier: Apache-2.0
#include "model/router/routing_weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/router/scores.h"
#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

// Logits 0, ln 2, ln 5 of one token that chose experts 2 and 0.
struct OneToken {
  RouterFixture<double> fixture;
  RouterCache<double> cache;

  OneToken() {
    cache.logits.resize(1, 3);
    cache.logits << 0, std::log(2.0), std::log(5.0);
    cache.batch = {1, 2, 3, {2, 0}, {}, {}};
  }
  const Matrix<double>& weights(RoutingWeights form, ScoreFunction function) {
    fixture.config.weights = form;
    fixture.config.score_function = function;
    score_experts(fixture.run(), cache);
    weigh_experts(fixture.run(), cache);
    finish_weights(fixture.run(), cache);
    return cache.weights;
  }
  void expect(const Matrix<double>& weights, double first, double second) {
    EXPECT_NEAR(weights(0, 0), first, 1e-15);
    EXPECT_NEAR(weights(0, 1), second, 1e-15);
  }
};

// Softmax scores 1/8, 2/8, 5/8: 5/6 and 1/6 of the chosen sum. Sigmoid scores 1/2, 2/3, 5/6: 5/6
// over 8/6 is 5/8, 1/2 over 8/6 is 3/8. The softmax over the chosen logits is 5/6, 1/6 for both.
TEST(RoutingWeights, EachFormWorkedByHand) {
  OneToken token;
  using enum RoutingWeights;
  using enum ScoreFunction;
  token.expect(token.weights(renormalised, softmax), 5.0 / 6, 1.0 / 6);
  token.expect(token.weights(softmax_selected, softmax), 5.0 / 6, 1.0 / 6);
  token.expect(token.weights(as_is, softmax), 5.0 / 8, 1.0 / 8);
  token.expect(token.weights(renormalised, sigmoid), 5.0 / 8, 3.0 / 8);
  token.expect(token.weights(softmax_selected, sigmoid), 5.0 / 6, 1.0 / 6);
  token.expect(token.weights(as_is, sigmoid), 5.0 / 6, 1.0 / 2);
  EXPECT_FLOAT_EQ(token.cache.batch.weights[0], 5.0F / 6);
}

TEST(RoutingWeights, AreScaledAtTheEnd) {
  OneToken token;
  token.fixture.config.routed_scaling_factor = 2.5;
  token.expect(token.weights(RoutingWeights::as_is, ScoreFunction::softmax), 25.0 / 16, 5.0 / 16);
  EXPECT_NEAR(token.cache.weights_before_drop(0, 0), 5.0 / 8, 1e-15);
}

// The second pair is dropped: 0, and the first keeps 5/8, or takes all of 6/8 over. The batch
// remembers what the dropped one would have had.
TEST(RoutingWeights, ADroppedPairWeighsNothing) {
  OneToken token;
  token.cache.batch.kept = {1, 0};
  token.expect(token.weights(RoutingWeights::as_is, ScoreFunction::softmax), 5.0 / 8, 0);
  EXPECT_FLOAT_EQ(token.cache.batch.weights[1], 1.0F / 8);
  token.fixture.config.renormalise_after_drop = true;
  token.expect(token.weights(RoutingWeights::as_is, ScoreFunction::softmax), 6.0 / 8, 0);
  EXPECT_FLOAT_EQ(token.cache.batch.weights[0], 6.0F / 8);
  EXPECT_FLOAT_EQ(token.cache.batch.weights[1], 1.0F / 8);
  token.cache.batch.kept = {0, 0};
  token.expect(token.weights(RoutingWeights::as_is, ScoreFunction::softmax), 0, 0);
}

TEST(RoutingWeights, EmptySlotsWeighNothing) {
  OneToken token;
  token.cache.batch.experts = {2, kNoExpert};
  token.cache.batch.kept = {1, 0};
  token.expect(token.weights(RoutingWeights::renormalised, ScoreFunction::softmax), 1, 0);
}

// Scores of e^-2000 underflow; their quotient is still that of the logits.
TEST(RoutingWeights, UnderflowedScoresAreNotDivided) {
  OneToken token;
  token.cache.logits << -2000, 0, -2000 + std::log(3.0);
  for (const ScoreFunction function : {ScoreFunction::softmax, ScoreFunction::sigmoid}) {
    // -2000 + ln 3 has an error of 1e-13.
    EXPECT_NEAR(token.weights(RoutingWeights::renormalised, function)(0, 0), 0.75, 1e-12);
  }
}

// Logits 3 and -1 over their sum are 1.5 and -0.5: the second expert's result would be taken away.
// Logits 1 and -0.999 give 1000 and -999: a small step of a logit throws them far. Adding 10 to
// both, which says nothing new about which expert is better, gives 11 / 20.001 and 9.001 / 20.001.
// The renormalised softmax has none of this: e^4 / (e^4 + 1) is 0.982, e^1.999 / (e^1.999 + 1)
// 0.8807.
TEST(RoutingWeights, RawLogitsOverTheirSumAreNoWeights) {
  const auto over_sum = [](double a, double b) { return a / (a + b); };
  EXPECT_EQ(over_sum(3, -1), 1.5);
  EXPECT_EQ(over_sum(-1, 3), -0.5);
  EXPECT_NEAR(over_sum(1, -0.999), 1000, 1e-9);
  EXPECT_NEAR(over_sum(11, 9.001), 0.55, 1e-4);
  OneToken token;
  const auto renormalised = [&](double a, double b) {
    token.cache.logits << b, -50, a;
    return token.weights(RoutingWeights::renormalised, ScoreFunction::softmax)(0, 0);
  };
  EXPECT_NEAR(renormalised(3, -1), 0.98201, 1e-5);
  EXPECT_NEAR(renormalised(1, -0.999), 0.88069, 1e-5);
  EXPECT_NEAR(renormalised(11, 9.001), renormalised(1, -0.999), 1e-12);
}

// Five tokens with three slots of six experts, in every form, with and without drops and
// renormalising; the value is a random combination of the weights.
TEST(RoutingWeights, SlopesAgreeWithCentralDifferences) {
  for (int variant = 0; variant < 24; ++variant) {
    base::Rng rng(variant, "weight slopes");
    RouterFixture<double> fixture;
    RouterConfig& config = fixture.config;
    config.weights = names_of(RoutingWeights{})[variant % 3].first;
    config.score_function = variant % 6 < 3 ? ScoreFunction::softmax : ScoreFunction::sigmoid;
    config.routed_scaling_factor = 1.5;
    config.renormalise_after_drop = variant >= 12;
    RouterCache<double> cache;
    Matrix<double> logits = random_matrix<double>(5, 6, rng);
    cache.batch = {5, 3, 6, {0, 1, 2, 5, 3, 1, 2, 4, 0, 1, 2, 5, 3, 4, kNoExpert}, {}, {}};
    cache.batch.kept.assign(15, 1);
    if (variant % 12 >= 6) cache.batch.kept = {1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0};
    const Matrix<double> d_weights = random_matrix<double>(5, 3, rng);
    const auto value = [&] {
      cache.logits = logits;
      score_experts(fixture.run(), cache);
      weigh_experts(fixture.run(), cache);
      finish_weights(fixture.run(), cache);
      return (cache.weights.array() * d_weights.array()).sum();
    };
    value();
    RouterSlopes<double> slopes;
    finish_weights_backward(fixture.run(), cache, d_weights, slopes);
    weigh_experts_backward(fixture.run(), cache, slopes);
    scores_backward(fixture.run(), cache, slopes);
    EXPECT_LT(slope_error(logits, slopes.adjusted_logits, value), 1e-9) << "variant " << variant;
  }
}

}  // namespace
}  // namespace moesim::model
