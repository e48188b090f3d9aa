// SPDX-License-Identifier: Apache-2.0
#include "base/rng.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

namespace moesim::base {
namespace {

constexpr int kDraws = 200000;

// Known answers from an independent Python program: FNV-1a of the name, SplitMix64, and MT19937-64
// written from its paper's recurrence (its 10,000th draw from seed 5489 is the C++ standard's
// 9981545732273789042).
TEST(Rng, DrawsAreThoseOfTheDefinition) {
  Rng router(42, "router");
  EXPECT_EQ(router.next(), 1679372809807852494u);
  EXPECT_EQ(router.next(), 14736035140569719326u);
  EXPECT_EQ(router.next(), 11206620630359871851u);
  EXPECT_EQ(Rng(42, "placement").next(), 11521921087944381898u);
  EXPECT_EQ(Rng(0, "").next(), 10206686602075774780u);
}

// The top 53 bits of the draws above, and their draws x 10 / 2^64, by the same program.
TEST(Rng, UniformAndBelowAreThoseOfTheDefinition) {
  Rng uniform(42, "router");
  EXPECT_EQ(uniform.uniform(), 0.09103898244033792);
  EXPECT_EQ(uniform.uniform(), 0.7988420656614212);
  EXPECT_EQ(uniform.uniform(), 0.6075121216828523);
  Rng below(42, "router");
  for (const std::uint64_t expected : {0, 7, 6, 9, 7, 4, 1, 1}) {
    EXPECT_EQ(below.below(10), expected);
  }
}

TEST(Rng, BelowStaysBelowItsBound) {
  Rng rng(1, "below");
  for (const std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{1} << 63,
                                    (std::uint64_t{1} << 63) + 1, ~std::uint64_t{0}}) {
    for (int i = 0; i < 1000; ++i) EXPECT_LT(rng.below(bound), bound);
  }
}

// 200,000 draws in 6 cells: the statistic of a fair die has 5 degrees of freedom, and exceeds 20.5
// once in a thousand streams. The stream is fixed, so the test does not flicker.
TEST(Rng, BelowIsUniform) {
  Rng rng(7, "die");
  std::array<int, 6> counts{};
  for (int i = 0; i < kDraws; ++i) ++counts[rng.below(6)];
  double chi_squared = 0;
  for (const int count : counts) {
    const double expected = kDraws / 6.0;
    chi_squared += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_squared, 20.5);
}

struct Moments {
  double mean = 0;
  double variance = 0;
};

template <class Draw>
Moments moments_of(Draw draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kDraws;
  return {mean, squares / kDraws - mean * mean};
}

// Mean 1/2, variance 1/12; the mean of n draws is off by sqrt(1/12/200000) = 0.00065 typically.
TEST(Rng, UniformHasItsMomentsAndRange) {
  Rng rng(3, "uniform");
  const Moments moments = moments_of([&] {
    const double x = rng.uniform();
    EXPECT_GE(x, 0.0);
    EXPECT_LT(x, 1.0);
    return x;
  });
  EXPECT_NEAR(moments.mean, 0.5, 0.003);
  EXPECT_NEAR(moments.variance, 1.0 / 12, 0.001);
}

// Mean 0 (+- 0.0022 typically), variance 1 (+- sqrt(2/200000) = 0.0032).
TEST(Rng, NormalHasItsMoments) {
  Rng rng(3, "normal");
  const Moments moments = moments_of([&] { return rng.normal(); });
  EXPECT_NEAR(moments.mean, 0.0, 0.01);
  EXPECT_NEAR(moments.variance, 1.0, 0.015);
}

// Mean and variance are both the shape k. The variance's spread is sqrt((2k^2 + 6k) / n): 0.009 at
// k = 2.5, 0.03 at k = 20.
TEST(Rng, GammaHasItsMomentsBelowAndAboveOne) {
  for (const double shape : {0.1, 0.5, 1.0, 2.5, 20.0}) {
    Rng rng(3, "gamma");
    const Moments moments = moments_of([&] { return rng.gamma(shape); });
    const double spread = std::sqrt((2 * shape * shape + 6 * shape) / kDraws);
    EXPECT_NEAR(moments.mean, shape, 5 * std::sqrt(shape / kDraws)) << "shape " << shape;
    EXPECT_NEAR(moments.variance, shape, 5 * spread) << "shape " << shape;
  }
}

TEST(Rng, SameSeedAndNameGiveTheSameStream) {
  Rng one(9, "a");
  Rng two(9, "a");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.next(), two.next());
}

TEST(Rng, SeedAndNameBothMatter) {
  EXPECT_NE(Rng(9, "a").next(), Rng(10, "a").next());
  EXPECT_NE(Rng(9, "a").next(), Rng(9, "b").next());
}

// SplitMix64's published sequence for seed 0 (prng.di.unimi.it/splitmix64.c): its first output is
// that of mix(0).
TEST(RandomField, MixesAsSplitMix64) {
  EXPECT_EQ(mix(0), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(mix(0x9e3779b97f4a7c15ULL), 0x6e789e6aa1b965f4ULL);
  EXPECT_EQ(mix(2 * 0x9e3779b97f4a7c15ULL), 0x06c45d188009454fULL);
}

TEST(RandomField, DrawsByPlaceWhateverTheOrder) {
  const RandomField field(5, "dropout");
  const double late = field.uniform(1000);
  for (std::uint64_t i = 0; i < 10; ++i) field.uniform(i);
  EXPECT_EQ(field.uniform(1000), late);
  EXPECT_EQ(RandomField(5, "dropout").uniform(1000), late);
}

// Seed, name and place all tell draws apart: 3 x 3 x 1000 different ones.
TEST(RandomField, SeparatesSeedsNamesAndPlaces) {
  std::set<std::uint64_t> seen;
  for (const std::uint64_t seed : {0, 1, 2}) {
    for (const char* const name : {"a", "b", ""}) {
      const RandomField field(seed, name);
      for (std::uint64_t i = 0; i < 1000; ++i) seen.insert(field.bits(i));
    }
  }
  EXPECT_EQ(seen.size(), 9000);
}

// Of n uniform draws the mean has a standard deviation of 1 / sqrt(12 n), their mean square of
// sqrt(4 / 45 / n), and so has their lag-1 product of sqrt(7 / 144 / n): 5 sigma each.
TEST(RandomField, IsUniform) {
  const RandomField field(1, "uniform");
  double sum = 0;
  double squares = 0;
  double products = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = field.uniform(i);
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    sum += x;
    squares += x * x;
    products += x * field.uniform(i + 1);
  }
  EXPECT_NEAR(sum / kDraws, 1.0 / 2, 5 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / kDraws));
  EXPECT_NEAR(products / kDraws, 1.0 / 4, 5 * std::sqrt(7.0 / 144 / kDraws));
}

// The first four moments of a standard normal are 0, 1, 0, 3; their standard deviations over n
// draws are sqrt(1, 2, 15, 96) / sqrt(n).
TEST(RandomField, IsNormal) {
  const RandomField field(1, "normal");
  double moments[5] = {};
  for (int i = 0; i < kDraws; ++i) {
    const double x = field.normal(i);
    for (int power = 1; power <= 4; ++power) moments[power] += std::pow(x, power) / kDraws;
  }
  const double error = 5 / std::sqrt(static_cast<double>(kDraws));
  EXPECT_NEAR(moments[1], 0, error);
  EXPECT_NEAR(moments[2], 1, error * std::sqrt(2.0));
  EXPECT_NEAR(moments[3], 0, error * std::sqrt(15.0));
  EXPECT_NEAR(moments[4], 3, error * std::sqrt(96.0));
}

}  // namespace
}  // namespace moesim::base
