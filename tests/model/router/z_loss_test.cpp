// SPDX-License-Identifier: Apache-2.0
#include "model/router/z_loss.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

// Logits 0, 0 and ln 3, 0: log sums ln 2 and ln 4 = 2 ln 2; mean square 5/2 (ln 2)^2. Slope along
// the first logit of token 1: 2 / 2 x 2 ln 2 x 3/4.
TEST(ZLoss, IsTheMeanSquareOfLogSums) {
  RouterFixture<double> fixture;
  RouterCache<double> cache;
  cache.logits.resize(2, 2);
  cache.logits << 0, 0, std::log(3.0), 0;
  const LossInputs<double> inputs{fixture.run(), cache, {}};
  EXPECT_NEAR(z_loss(inputs), 2.5 * std::log(2.0) * std::log(2.0), 1e-15);
  RouterSlopes<double> slopes;
  add_z_slope(inputs, 1, slopes);
  EXPECT_NEAR(slopes.logits(1, 0), 1.5 * std::log(2.0), 1e-15);
  const auto value = [&] { return z_loss(inputs); };
  EXPECT_LT(slope_error(cache.logits, slopes.logits, value), 1e-9);
}

// The groups' logits, one of 0 and one of 5, count as a second gate's: 0^2 and 5^2, mean 25/2.
TEST(ZLoss, CountsTheGroupsLogitsOfTwoLevels) {
  RouterFixture<double> fixture;
  fixture.config.type = RouterType::two_level;
  RouterCache<double> cache;
  cache.logits = Matrix<double>::Zero(2, 1);
  cache.group_logits.resize(2, 1);
  cache.group_logits << 0, 5;
  const LossInputs<double> inputs{fixture.run(), cache, {}};
  EXPECT_NEAR(z_loss(inputs), 12.5, 1e-14);
  RouterSlopes<double> slopes;
  add_z_slope(inputs, 1, slopes);
  EXPECT_NEAR(slopes.group_logits(1, 0), 5, 1e-14);
}

TEST(ZLoss, LargeLogitsDoNotOverflow) {
  RouterFixture<float> fixture;
  RouterCache<float> cache;
  cache.logits = Matrix<float>::Constant(1, 2, 1000);
  EXPECT_NEAR(z_loss(LossInputs<float>{fixture.run(), cache, {}}), 1000.693 * 1000.693, 10);
}

}  // namespace
}  // namespace moesim::model
