// SPDX-License-Identifier: Apache-2.0
#include "model/layers/language_head.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "model/cpu/cpu_backend.h"
#include "tests/model/layers/central_difference.h"

namespace moesim::model {
namespace {

class LanguageHead : public testing::Test {
 protected:
  base::ThreadPool threads_{2};
  std::unique_ptr<Backend<double>> backend_ = make_cpu_backend<double>(threads_);
  Pass<double> pass_{*backend_, threads_};
};

// A head of zeros guesses every byte alike: ln 256 nats.
TEST_F(LanguageHead, KnowsNothingWithoutWeights) {
  LanguageHeadCache<double> cache;
  cache.input = Matrix<double>::Ones(2, 3);
  const std::vector<std::uint8_t> targets{0, 255};
  const Matrix<double> head = Matrix<double>::Zero(256, 3);
  EXPECT_NEAR(cross_entropy(head, pass_, targets, cache), std::log(256.0), 1e-14);
}

// Hidden 1; byte 1's weight is ln 255, the others' 0: for x = 1 it has half of the probability.
TEST_F(LanguageHead, MeasuresSurprise) {
  Matrix<double> head = Matrix<double>::Zero(256, 1);
  head(1, 0) = std::log(255.0);
  LanguageHeadCache<double> cache;
  cache.input = Matrix<double>::Ones(3, 1);
  const std::vector<std::uint8_t> targets{1, 1, 0};
  const double expected = (std::log(2.0) + std::log(2.0) + std::log(510.0)) / 3;
  EXPECT_NEAR(cross_entropy(head, pass_, targets, cache), expected, 1e-14);
  EXPECT_NEAR(cache.probabilities(0, 1), 0.5, 1e-15);
}

TEST_F(LanguageHead, GivesLogits) {
  base::Rng rng(1, "head");
  const Matrix<double> head = random_matrix(256, 5, rng);
  const Matrix<double> x = random_matrix(4, 5, rng);
  Matrix<double> logits;
  head_logits(head, pass_, x, logits);
  EXPECT_LT((logits - x * head.transpose()).norm(), 1e-13);
}

TEST_F(LanguageHead, GradientEqualsCentralDifferences) {
  base::Rng rng(2, "head");
  Matrix<double> head = random_matrix(256, 3, rng);
  LanguageHeadCache<double> cache;
  cache.input = random_matrix(40, 3, rng);
  std::vector<std::uint8_t> targets(40);
  for (std::uint8_t& target : targets) target = static_cast<std::uint8_t>(rng.below(256));
  const auto loss = [&] { return 8 * cross_entropy(head, pass_, targets, cache); };
  loss();
  Matrix<double> head_gradient;
  Matrix<double> dx;
  CrossEntropyBackward<double>{head, pass_, targets, 8}.run(cache, head_gradient, dx);
  expect_slopes(head, head_gradient, loss);
  expect_slopes(cache.input, dx, loss);

  const Matrix<double> once = head_gradient;
  loss();
  pass_.add_gradients = true;
  CrossEntropyBackward<double>{head, pass_, targets, 8}.run(cache, head_gradient, dx);
  EXPECT_LT((head_gradient - 2 * once).norm(), 1e-14);
}

// A logit of 1000 overflows an exponential that is not taken relative to the largest.
TEST_F(LanguageHead, SurvivesLargeLogits) {
  Matrix<double> head = Matrix<double>::Zero(256, 1);
  head(3, 0) = 1000;
  LanguageHeadCache<double> cache;
  cache.input = Matrix<double>::Ones(2, 1);
  const std::vector<std::uint8_t> targets{3, 4};
  EXPECT_NEAR(cross_entropy(head, pass_, targets, cache), 500, 1e-12);
}

}  // namespace
}  // namespace moesim::model
