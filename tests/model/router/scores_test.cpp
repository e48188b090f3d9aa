// SPDX-License-Identifier: Apache-2.0
#include "model/router/scores.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

RouterCache<double> scored(RouterFixture<double>& fixture, const Matrix<double>& logits) {
  RouterCache<double> cache;
  cache.logits = logits;
  score_experts(fixture.run(), cache);
  return cache;
}

// e^0, e^(ln 2), e^(ln 5) over their sum 8; 1 / (1 + 1), 1 / (1 + 1/2), 1 / (1 + 1/5).
TEST(Scores, AreSoftmaxOrSigmoid) {
  Matrix<double> logits(1, 3);
  logits << 0, std::log(2.0), std::log(5.0);
  RouterFixture<double> fixture;
  const Matrix<double> softmax = scored(fixture, logits).scores;
  EXPECT_NEAR(softmax(0, 0), 0.125, 1e-15);
  EXPECT_NEAR(softmax(0, 1), 0.25, 1e-15);
  EXPECT_NEAR(softmax(0, 2), 0.625, 1e-15);
  fixture.config.score_function = ScoreFunction::sigmoid;
  const Matrix<double> sigmoid = scored(fixture, logits).scores;
  EXPECT_NEAR(sigmoid(0, 0), 0.5, 1e-15);
  EXPECT_NEAR(sigmoid(0, 1), 2.0 / 3, 1e-15);
  EXPECT_NEAR(sigmoid(0, 2), 5.0 / 6, 1e-15);
}

TEST(Scores, AreOfTheAdjustedLogitsWhereThereAreSome) {
  RouterFixture<double> fixture;
  RouterCache<double> cache;
  cache.logits = Matrix<double>::Zero(1, 2);
  cache.adjusted_logits.resize(1, 2);
  cache.adjusted_logits << 0, std::log(3.0);
  score_experts(fixture.run(), cache);
  EXPECT_NEAR(cache.scores(0, 1), 0.75, 1e-15);
}

TEST(Scores, ExtremeLogitsStayFinite) {
  Matrix<double> logits(1, 3);
  logits << 1e5, -1e5, 0;
  RouterFixture<double> fixture;
  EXPECT_TRUE(scored(fixture, logits).scores.allFinite());
  fixture.config.score_function = ScoreFunction::sigmoid;
  EXPECT_TRUE(scored(fixture, logits).scores.allFinite());
}

TEST(InverseSum, OfUnderflowedScoresIsZero) {
  const double scores[] = {0.25, 0.25, 0};
  EXPECT_EQ(inverse_sum(scores, 3), 2);
  const double nothing[] = {0, 5e-324};
  EXPECT_EQ(inverse_sum(nothing, 2), 0);
}

// The value is a random combination of scores and of shares; two sequences, the second shorter,
// have other slopes of their shares.
TEST(Scores, SlopesAgreeWithCentralDifferences) {
  for (const ScoreFunction function : {ScoreFunction::softmax, ScoreFunction::sigmoid}) {
    base::Rng rng(1, "score slopes");
    RouterFixture<double> fixture;
    fixture.config.score_function = function;
    fixture.seq_length = 3;
    Matrix<double> logits = random_matrix<double>(5, 4, rng);
    const Matrix<double> of_scores = random_matrix<double>(5, 4, rng);
    const Matrix<double> of_shares = random_matrix<double>(2, 4, rng);
    const auto value = [&] {
      const Matrix<double> scores = scored(fixture, logits).scores;
      double sum = (scores.array() * of_scores.array()).sum();
      for (Index t = 0; t < 5; ++t) {
        sum += scores.row(t).dot(of_shares.row(t / 3)) / scores.row(t).sum();
      }
      return sum;
    };
    const RouterCache<double> cache = scored(fixture, logits);
    RouterSlopes<double> slopes;
    slopes.scores = of_scores;
    slopes.shares = of_shares;
    scores_backward(fixture.run(), cache, slopes);
    EXPECT_LT(slope_error(logits, slopes.adjusted_logits, value), 1e-9);
  }
}

}  // namespace
}  // namespace moesim::model
