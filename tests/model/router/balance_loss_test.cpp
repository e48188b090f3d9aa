// SPDX-License-Identifier: Apache-2.0
#include "model/router/balance_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

RouterCache<double> two_tokens() {
  RouterCache<double> cache;
  cache.logits.resize(2, 2);
  cache.logits << std::log(3.0), 0, 0, 0;
  cache.scores.resize(2, 2);
  cache.scores << 0.75, 0.25, 0.5, 0.5;
  cache.batch = {2, 1, 2, {0, 0}, {1, 1}, {}};
  cache.weights_before_drop = Matrix<double>::Ones(2, 1);
  return cache;
}

// The aux loss of these two tokens is 5/4, their variance loss 1/32 (share_losses_test.cpp).
TEST(BalanceLosses, OnlyThoseWithACoefficientAreComputed) {
  RouterFixture<double> fixture;
  const RouterCache<double> cache = two_tokens();
  fixture.config.balance.aux_loss_coef = 0.1;
  fixture.config.balance.variance_loss_coef = 2;
  const std::vector<BalanceTerm> terms = balance_losses(balance_inputs(fixture.run(), cache));
  ASSERT_EQ(terms.size(), 2U);
  EXPECT_EQ(terms[0].name, "aux_loss");
  EXPECT_NEAR(terms[0].value, 0.125, 1e-15);
  EXPECT_EQ(terms[1].name, "variance_loss");
  EXPECT_NEAR(terms[1].value, 1.0 / 16, 1e-15);
  fixture.config.balance = {.aux_loss_coef = 0};
  EXPECT_TRUE(balance_losses(balance_inputs(fixture.run(), cache)).empty());
}

TEST(BalanceLosses, ARouterWithoutAGateHasNone) {
  RouterFixture<double> fixture;
  fixture.config.type = RouterType::hash;
  const RouterCache<double> cache = two_tokens();
  EXPECT_TRUE(balance_losses(balance_inputs(fixture.run(), cache)).empty());
  RouterSlopes<double> slopes;
  add_balance_slopes(balance_inputs(fixture.run(), cache), 1, slopes);
  EXPECT_EQ(slopes.shares.size(), 0);
}

// Sigmoid scores (0.6, 0.2) have shares (3/4, 1/4), and (0.4, 0.4) have (1/2, 1/2): the loss is
// that of the softmax scores above, 0.1 x 5/4.
TEST(BalanceLosses, SigmoidScoresAreSharedOut) {
  RouterFixture<double> fixture;
  fixture.config.score_function = ScoreFunction::sigmoid;
  fixture.config.balance.aux_loss_coef = 0.1;
  RouterCache<double> cache = two_tokens();
  cache.scores << 0.6, 0.2, 0.4, 0.4;
  EXPECT_NEAR(balance_losses(balance_inputs(fixture.run(), cache))[0].value, 0.125, 1e-15);
}

// aux: scale 3 x coefficient 0.1 x 2 f_i / 2 = (0.3, 0). variance: 3 x 2 x 2 (P_i - 1/2) / 2 =
// 6 x (1/8, -1/8) = (0.75, -0.75).
TEST(BalanceLosses, SlopesCarryCoefficientAndScale) {
  RouterFixture<double> fixture;
  fixture.config.balance.aux_loss_coef = 0.1;
  fixture.config.balance.variance_loss_coef = 2;
  RouterSlopes<double> slopes;
  add_balance_slopes(balance_inputs(fixture.run(), two_tokens()), 3, slopes);
  EXPECT_NEAR(slopes.shares(0, 0), 1.05, 1e-14);
  EXPECT_NEAR(slopes.shares(0, 1), -0.75, 1e-14);
}

// All six losses of a random noisy router, coefficients 1, in the table's order.
struct RandomLosses {
  RouterFixture<double> fixture;
  Matrix<double> x;

  explicit RandomLosses(std::uint64_t seed) {
    base::Rng rng(seed, "losses");
    RouterConfig& config = fixture.config;
    config.num_experts = 2 + static_cast<int>(rng.below(8));
    config.top_k = 1 + static_cast<int>(rng.below(config.num_experts));
    config.type = RouterType::noisy_top_k;
    config.score_function = seed % 2 == 0 ? ScoreFunction::softmax : ScoreFunction::sigmoid;
    config.weights = names_of(RoutingWeights{})[seed % 3].first;
    config.balance = {1, 1, 1, 1, 1, 1, 0};
    fixture.seq_length = 1 + static_cast<int>(rng.below(30));
    x = fixture.randomise(1 + static_cast<Index>(rng.below(60)), 3, rng);
  }
  std::vector<BalanceTerm> terms() { return fixture.routed(x).losses; }
};

// With n experts: shares sum to 1, so the aux losses are at most n; a squared cv is at most n - 1,
// and the variance at most 1 / n, where one expert has all.
TEST(BalanceLosses, StayWithinTheirBounds) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    RandomLosses random(seed);
    random.fixture.training = seed % 4 != 0;
    const std::vector<BalanceTerm> terms = random.terms();
    const double n = random.fixture.config.num_experts;
    const double most[] = {n, n, n - 1, n - 1, 1 / n, 1e9};
    ASSERT_EQ(terms.size(), 6U);
    for (std::size_t i = 0; i < terms.size(); ++i) {
      EXPECT_GE(terms[i].value, 0) << terms[i].name << " seed " << seed;
      EXPECT_LE(terms[i].value, most[i] * (1 + 1e-12)) << terms[i].name << " seed " << seed;
    }
  }
}

// The experts in another order, or all tokens in one sequence: the losses are the same.
TEST(BalanceLosses, DoNotDependOnNames) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    RandomLosses random(seed);
    const std::vector<BalanceTerm> terms = random.terms();
    Matrix<double>& gate = random.fixture.weights.gate;
    gate = gate.colwise().reverse().eval();
    const std::vector<BalanceTerm> renamed = random.terms();
    for (std::size_t i = 0; i < terms.size(); ++i) {
      EXPECT_NEAR(renamed[i].value, terms[i].value, 1e-11) << terms[i].name << " seed " << seed;
    }
    random.fixture.seq_length = 60;
    const std::vector<BalanceTerm> in_one = random.terms();
    EXPECT_NEAR(in_one[1].value, in_one[0].value, 1e-13) << "seed " << seed;
  }
}

}  // namespace
}  // namespace moesim::model
