// SPDX-License-Identifier: Apache-2.0
#include "model/router/gate_logits.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/router/router_fixture.h"

namespace moesim::model {
namespace {

RouterCache<double> gated(RouterFixture<double>& fixture, const Matrix<double>& x) {
  RouterCache<double> cache;
  gate_logits(fixture.run(), x, cache);
  return cache;
}

// (1, 2) against gate rows (3, 4) and (-1, 1): 11 and 1.
TEST(GateLogits, AreRowsTimesTheGate) {
  RouterFixture<double> fixture;
  fixture.weights.gate.resize(2, 2);
  fixture.weights.gate << 3, 4, -1, 1;
  Matrix<double> x(1, 2);
  x << 1, 2;
  const RouterCache<double> cache = gated(fixture, x);
  EXPECT_EQ(cache.logits(0, 0), 11);
  EXPECT_EQ(cache.logits(0, 1), 1);
  EXPECT_EQ(&cache.scored_logits(), &cache.logits);
}

TEST(GateLogits, JitterScalesEachValueWithinItsBounds) {
  RouterFixture<double> fixture;
  fixture.config.input_jitter = 0.25;
  fixture.weights.gate = Matrix<double>::Identity(8, 8);
  const Matrix<double> x = Matrix<double>::Ones(200, 8);
  EXPECT_EQ(gated(fixture, x).logits, x);  // evaluation
  fixture.training = true;
  const Matrix<double> logits = gated(fixture, x).logits;
  EXPECT_GE(logits.minCoeff(), 0.75);
  EXPECT_LE(logits.maxCoeff(), 1.25);
  // 1600 draws of uniform(0.75, 1.25), standard deviation 0.144: the mean's is 0.0036.
  EXPECT_NEAR(logits.mean(), 1, 0.015);
  EXPECT_LT(logits.minCoeff(), 0.76);
  EXPECT_GT(logits.maxCoeff(), 1.24);
}

// The noise of (seed, layer, place) is added times its scale: 3 where it is fixed, log(1 + e^0) =
// log 2 where an untrained noise gate gives it.
TEST(GateLogits, NoiseIsScaled) {
  RouterFixture<double> fixture;
  fixture.training = true;
  fixture.config.type = RouterType::noisy_top_k;
  fixture.config.num_experts = 2;
  fixture.weights.gate = Matrix<double>::Identity(2, 2);
  fixture.weights.noise = Matrix<double>::Zero(2, 2);
  const Matrix<double> x = Matrix<double>::Constant(3, 2, 5);
  const base::RandomField field(fixture.seed, "layer 3 gate noise");
  const Matrix<double> learned = gated(fixture, x).adjusted_logits;
  fixture.config.noise_scale = NoiseScale::fixed;
  fixture.config.noise_std = 3;
  const Matrix<double> fixed = gated(fixture, x).adjusted_logits;
  for (Index i = 0; i < 6; ++i) {
    EXPECT_NEAR(learned.data()[i], 5 + field.normal(i) * std::log(2.0), 1e-14);
    EXPECT_NEAR(fixed.data()[i], 5 + field.normal(i) * 3, 1e-14);
  }
  fixture.training = false;
  EXPECT_EQ(gated(fixture, x).adjusted_logits.size(), 0);
}

// Groups' logits (0, ln 3): p(group) = 1/4, 3/4. Experts' logits (0, 0 | ln 2, 0): 1/2, 1/2 in the
// first group, 2/3, 1/3 in the second. Products: 1/8, 1/8, 1/2, 1/4.
TEST(GateLogits, TwoLevelsMultiply) {
  RouterFixture<double> fixture;
  fixture.config.type = RouterType::two_level;
  fixture.config.num_experts = 4;
  fixture.config.n_group = 2;
  fixture.weights.group_gate.resize(2, 1);
  fixture.weights.group_gate << 0, std::log(3.0);
  fixture.weights.gate.resize(4, 1);
  fixture.weights.gate << 0, 0, std::log(2.0), 0;
  const RouterCache<double> cache = gated(fixture, Matrix<double>::Ones(1, 1));
  const double expected[] = {0.125, 0.125, 0.5, 0.25};
  for (int e = 0; e < 4; ++e) {
    EXPECT_NEAR(std::exp(cache.adjusted_logits(0, e)), expected[e], 1e-15);
  }
}

struct Variant {
  RouterType type;
  NoiseScale scale;
  double jitter;
};

// The value is a random combination of what comes out: adjusted logits, logits, groups' logits,
// noise scales. Slopes along the rows and along every gate.
TEST(GateLogits, SlopesAgreeWithCentralDifferences) {
  for (const Variant& v : {Variant{RouterType::top_k, NoiseScale::fixed, 0},
                           Variant{RouterType::top_k, NoiseScale::fixed, 0.3},
                           Variant{RouterType::noisy_top_k, NoiseScale::fixed, 0.3},
                           Variant{RouterType::noisy_top_k, NoiseScale::learned, 0.3},
                           Variant{RouterType::two_level, NoiseScale::fixed, 0.3}}) {
    base::Rng rng(2, "gate slopes");
    RouterFixture<double> fixture;
    fixture.training = true;
    fixture.config.num_experts = 6;
    fixture.config.n_group = 2;
    fixture.config.type = v.type;
    fixture.config.noise_scale = v.scale;
    fixture.config.input_jitter = v.jitter;
    Matrix<double> x = fixture.randomise(5, 3, rng);
    const Matrix<double> of_logits = random_matrix<double>(5, 6, rng);
    const Matrix<double> of_scored = random_matrix<double>(5, 6, rng);
    const Matrix<double> of_scale = random_matrix<double>(5, 6, rng);
    const Matrix<double> of_groups = random_matrix<double>(5, 2, rng);
    const bool is_grouped = v.type == RouterType::two_level;
    const bool learns = v.type == RouterType::noisy_top_k && v.scale == NoiseScale::learned;
    const auto value = [&] {
      const RouterCache<double> cache = gated(fixture, x);
      double sum = (cache.logits.array() * of_logits.array()).sum() +
                   (cache.scored_logits().array() * of_scored.array()).sum();
      if (is_grouped) sum += (cache.group_logits.array() * of_groups.array()).sum();
      if (learns) sum += (cache.noise_scale.array() * of_scale.array()).sum();
      return sum;
    };
    const RouterCache<double> cache = gated(fixture, x);
    RouterSlopes<double> slopes;
    slopes.logits = of_logits;
    slopes.adjusted_logits = of_scored;
    if (is_grouped) slopes.group_logits = of_groups;
    if (learns) slopes.noise_scale = of_scale;
    RouterWeights<double> gradient;
    Matrix<double> dx = Matrix<double>::Ones(5, 3);  // added to
    gate_logits_backward(fixture.run(), x, cache, slopes, GateGradients<double>{gradient, dx});
    dx.array() -= 1;
    EXPECT_LT(slope_error(x, dx, value), 1e-8);
    EXPECT_LT(slope_error(fixture.weights.gate, gradient.gate, value), 1e-8);
    EXPECT_LT(slope_error(fixture.weights.noise, gradient.noise, value), 1e-8);
    EXPECT_LT(slope_error(fixture.weights.group_gate, gradient.group_gate, value), 1e-8);
  }
}

}  // namespace
}  // namespace moesim::model
