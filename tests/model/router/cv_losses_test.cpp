// SPDX-License-Identifier: Apache-2.0
#include "model/router/cv_losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

// Of 1, 2, 3, 6: mean 3, variance 14/4, over 9: 7/18. Slope along 6: 2 / (4 x 3) x ((6 - 3) / 3 -
// 7/18) = 1/6 x 11/18.
TEST(SquaredCv, WorkedByHand) {
  std::vector<double> slopes;
  EXPECT_NEAR(squared_cv({1, 2, 3, 6}, &slopes), 7.0 / 18, 1e-15);
  EXPECT_NEAR(slopes[3], 11.0 / 108, 1e-15);
}

TEST(SquaredCv, OfNothingIsZero) {
  std::vector<double> slopes;
  EXPECT_EQ(squared_cv({0, 0}, &slopes), 0);
  EXPECT_EQ(slopes, (std::vector<double>{0, 0}));
}

// Weights 0.7 + 0.6 to expert 0, 0.3 to expert 1, 0.4 to expert 2, dropped ones counted: mean 2/3,
// variance ((19/30)^2 + (11/30)^2 + (8/30)^2) / 3 = 546 / 2700, over 4/9: 0.455.
TEST(ImportanceLoss, IsTheSpreadOfSummedWeights) {
  RouterFixture<double> fixture;
  RouterCache<double> cache;
  cache.batch = {2, 2, 3, {0, 1, 0, 2}, {}, {1, 0, 1, 1}};
  cache.weights_before_drop.resize(2, 2);
  cache.weights_before_drop << 0.7, 0.3, 0.6, 0.4;
  const LossInputs<double> inputs{fixture.run(), cache, {}};
  EXPECT_NEAR(importance_loss(inputs), 0.455, 1e-15);
  RouterSlopes<double> slopes;
  add_importance_slope(inputs, 1, slopes);
  const auto value = [&] { return importance_loss(inputs); };
  EXPECT_LT(slope_error(cache.weights_before_drop, slopes.weights, value), 1e-9);
}

// One token, top-1 of two, noise of standard deviation 2. Logits 1 and 0; with noise 0 and 3, so
// expert 1 is chosen. Expert 0 must beat 3: Phi((1 - 3) / 2) = Phi(-1) = 0.158655. Expert 1 must
// beat 0: Phi((0 - 0) / 2) = 1/2. Mean 0.3293275, half the difference 0.1706725: their quotient
// squared is 0.268575.
TEST(LoadLoss, IsTheSpreadOfTheChancesToBeChosen) {
  RouterFixture<double> fixture;
  fixture.training = true;
  fixture.config.type = RouterType::noisy_top_k;
  fixture.config.noise_scale = NoiseScale::fixed;
  fixture.config.noise_std = 2;
  fixture.config.num_experts = 2;
  fixture.config.top_k = 1;
  RouterCache<double> cache;
  cache.logits.resize(1, 2);
  cache.logits << 1, 0;
  cache.adjusted_logits.resize(1, 2);
  cache.adjusted_logits << 0, 3;
  cache.load = {3, 1};
  const LossInputs<double> inputs{fixture.run(), cache, {}};
  EXPECT_NEAR(load_loss(inputs), 0.268575, 1e-5);
}

// Without noise the counts 3 and 1: mean 2, variance 1, 1/4; and no slope.
TEST(LoadLoss, CountsChoicesInEvaluation) {
  RouterFixture<double> fixture;
  fixture.config.type = RouterType::noisy_top_k;
  RouterCache<double> cache;
  cache.load = {3, 1};
  const LossInputs<double> inputs{fixture.run(), cache, {}};
  EXPECT_NEAR(load_loss(inputs), 0.25, 1e-15);
  RouterSlopes<double> slopes;
  add_load_slope(inputs, 1, slopes);
  EXPECT_EQ(slopes.logits.size(), 0);
}

// Slopes along clean logits, noisy logits and noise scales, each by itself.
TEST(LoadLoss, SlopesAgreeWithCentralDifferences) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    base::Rng rng(seed, "load slopes");
    RouterFixture<double> fixture;
    fixture.training = true;
    fixture.config.type = RouterType::noisy_top_k;
    fixture.config.num_experts = 5;
    fixture.config.top_k = 1 + static_cast<int>(seed % 4);
    RouterCache<double> cache;
    cache.logits = random_matrix<double>(6, 5, rng);
    cache.adjusted_logits = cache.logits + random_matrix<double>(6, 5, rng);
    cache.noise_scale = random_matrix<double>(6, 5, rng).cwiseAbs();
    cache.noise_scale.array() += 0.3;
    const LossInputs<double> inputs{fixture.run(), cache, {}};
    RouterSlopes<double> slopes;
    add_load_slope(inputs, 3, slopes);
    const auto value = [&] { return 3 * load_loss(inputs); };
    EXPECT_LT(slope_error(cache.logits, slopes.logits, value), 1e-8) << "seed " << seed;
    EXPECT_LT(slope_error(cache.adjusted_logits, slopes.adjusted_logits, value), 1e-8);
    EXPECT_LT(slope_error(cache.noise_scale, slopes.noise_scale, value), 1e-8);
  }
}

// A noise scale that underflowed, and equal logits: 0 / 0 must not come out.
TEST(LoadLoss, AVanishedNoiseScaleStaysFinite) {
  RouterFixture<float> fixture;
  fixture.training = true;
  fixture.config.type = RouterType::noisy_top_k;
  fixture.config.num_experts = 3;
  fixture.config.top_k = 1;
  RouterCache<float> cache;
  cache.logits = Matrix<float>::Zero(2, 3);
  cache.logits(0, 0) = 1;
  cache.adjusted_logits = cache.logits;
  cache.noise_scale = Matrix<float>::Zero(2, 3);
  const LossInputs<float> inputs{fixture.run(), cache, {}};
  EXPECT_TRUE(std::isfinite(load_loss(inputs)));
  cache.noise_scale.setConstant(0.1F);
  RouterSlopes<float> slopes;
  add_load_slope(inputs, 1, slopes);
  EXPECT_TRUE(slopes.logits.allFinite());
  EXPECT_TRUE(slopes.noise_scale.allFinite());
}

TEST(LoadLoss, IsZeroWhereEveryExpertIsChosen) {
  RouterFixture<double> fixture;
  fixture.training = true;
  fixture.config.type = RouterType::noisy_top_k;
  fixture.config.num_experts = 2;
  fixture.config.top_k = 2;
  RouterCache<double> cache;
  cache.load = {7, 7};
  EXPECT_EQ(load_loss(LossInputs<double>{fixture.run(), cache, {}}), 0);
}

}  // namespace
}  // namespace moesim::model
