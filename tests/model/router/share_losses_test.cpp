// SPDX-License-Identifier: Apache-2.0
#include "model/router/share_losses.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

// Two tokens, two experts. Token 0 has shares (3/4, 1/4), token 1 (1/2, 1/2), both went to expert
// 0: f = (1, 0), P = (5/8, 3/8).
struct TwoTokens {
  RouterFixture<double> fixture;
  RouterCache<double> cache;
  RouterSlopes<double> slopes;

  TwoTokens() {
    cache.batch = {2, 1, 2, {0, 0}, {1, 1}, {}};
    cache.scores.resize(2, 2);
    cache.scores << 0.75, 0.25, 0.5, 0.5;
  }
  LossInputs<double> inputs() {
    const Index sequences = count_sequences(2, fixture.seq_length);
    Matrix<double> sums(sequences, 2);
    for (Index s = 0; s < sequences; ++s) {
      sums.row(s) = sequences == 1 ? Matrix<double>(cache.scores.colwise().sum())
                                   : Matrix<double>(cache.scores.row(s));
    }
    return {fixture.run(), cache, sums};
  }
};

// 2 x (1 x 5/8 + 0 x 3/8) = 5/4. Slope of every share_i: 2 f_i / 2 tokens = (1, 0), times the
// scale.
TEST(AuxLoss, IsTheProductOfLoadAndShare) {
  TwoTokens two;
  EXPECT_NEAR(aux_loss(two.inputs()), 1.25, 1e-15);
  add_aux_slope(two.inputs(), 0.1, two.slopes);
  EXPECT_NEAR(two.slopes.shares(0, 0), 0.1, 1e-15);
  EXPECT_EQ(two.slopes.shares(0, 1), 0);
}

// Counted where the tokens chose, not where a full expert sent them; an empty slot chose nothing.
TEST(AuxLoss, CountsChoicesBeforeDrops) {
  TwoTokens two;
  two.cache.batch.kept = {1, 0};
  EXPECT_NEAR(aux_loss(two.inputs()), 1.25, 1e-15);
  two.cache.chosen = {0, 1};  // f = (1/2, 1/2)
  EXPECT_NEAR(aux_loss(two.inputs()), 1, 1e-15);
  two.cache.chosen = {kNoExpert, 1};  // f = (0, 1)
  EXPECT_NEAR(aux_loss(two.inputs()), 0.75, 1e-15);
}

// Sequences of one token each: 2 x 3/4 and 2 x 1/2, mean 5/4. Choices 0 and 1 give 3/2 and 1, the
// same; over both tokens at once they give 1. Slopes: 2 / (2 sequences x 1 token) f_i.
TEST(SeqAuxLoss, IsTheMeanOverSequences) {
  TwoTokens two;
  two.fixture.seq_length = 1;
  two.cache.batch.experts = {0, 1};
  EXPECT_NEAR(seq_aux_loss(two.inputs()), 1.25, 1e-15);
  EXPECT_NEAR(aux_loss(two.inputs()), 1, 1e-15);
  add_seq_aux_slope(two.inputs(), 0.1, two.slopes);
  Matrix<double> expected(2, 2);
  expected << 0.1, 0, 0, 0.1;
  EXPECT_LT((two.slopes.shares - expected).cwiseAbs().maxCoeff(), 1e-15);
  two.fixture.seq_length = 2;
  EXPECT_NEAR(seq_aux_loss(two.inputs()), aux_loss(two.inputs()), 1e-15);
}

// P - 1/2 = (1/8, -1/8): variance with n - 1 = 1: 2/64 = 1/32. Slope of P_i: 2 (P_i - 1/2) / 1 =
// (1/4, -1/4), of every share_i the same over 2 tokens.
TEST(VarianceLoss, IsTheUnbiasedVarianceOfMeanShares) {
  TwoTokens two;
  EXPECT_NEAR(variance_loss(two.inputs()), 1.0 / 32, 1e-15);
  add_variance_slope(two.inputs(), 8, two.slopes);
  EXPECT_NEAR(two.slopes.shares(0, 0), 1, 1e-15);
  EXPECT_NEAR(two.slopes.shares(0, 1), -1, 1e-15);
}

TEST(VarianceLoss, OfOneExpertIsZero) {
  RouterFixture<double> fixture;
  RouterCache<double> cache;
  cache.batch = {1, 1, 1, {0}, {1}, {}};
  RouterSlopes<double> slopes;
  const LossInputs<double> inputs{fixture.run(), cache, Matrix<double>::Ones(1, 1)};
  EXPECT_EQ(variance_loss(inputs), 0);
  add_variance_slope(inputs, 1, slopes);
  EXPECT_EQ(slopes.shares.size(), 0);
}

}  // namespace
}  // namespace moesim::model
