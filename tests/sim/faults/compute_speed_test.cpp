// SPDX-License-Identifier: Apache-2.0
#include "sim/faults/compute_speed.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/rng.h"

namespace moesim::sim {
namespace {

using base::Seconds;

constexpr Seconds kForGood(std::numeric_limits<double>::infinity());

double duration(const ComputeSpeed& speed, int rank, double start, double work) {
  return speed.duration(rank, Seconds(start), Seconds(work)).value;
}

TEST(ComputeSpeed, IsOneWhereNothingSlowsDown) {
  ComputeSpeed speed;
  EXPECT_EQ(duration(speed, 0, 5, 2), 2);
  speed.slow(1, Seconds(0), kForGood, 0.5);
  EXPECT_EQ(duration(speed, 0, 5, 2), 2);
  EXPECT_EQ(duration(speed, 1, 5, 2), 4);
}

// Half speed in [1, 3): of 3 s of work 1 s is done by 1 s, another by 3 s, the last by 4 s.
TEST(ComputeSpeed, CountsWorkBeforeDuringAndAfterASlowdown) {
  ComputeSpeed speed;
  speed.slow(0, Seconds(1), Seconds(3), 0.5);
  EXPECT_DOUBLE_EQ(duration(speed, 0, 0, 3), 4);
  EXPECT_DOUBLE_EQ(duration(speed, 0, 0, 1), 1) << "it ends as the slowdown begins";
  EXPECT_DOUBLE_EQ(duration(speed, 0, 2, 0.25), 0.5);
  EXPECT_DOUBLE_EQ(duration(speed, 0, 3, 2), 2) << "it begins as the slowdown ends";
  EXPECT_EQ(duration(speed, 0, 2, 0), 0);
}

// Half speed in [0, 4) and for good from 2 s: 1 s of work by 2 s, at a quarter 0.5 s by 4 s, the
// last 0.5 s at half speed by 5 s.
TEST(ComputeSpeed, FactorsMultiplyWhereSlowdownsOverlap) {
  ComputeSpeed speed;
  speed.slow(0, Seconds(2), kForGood, 0.5);
  speed.slow(0, Seconds(0), Seconds(4), 0.5);
  EXPECT_DOUBLE_EQ(duration(speed, 0, 0, 2), 5);
}

// Work cut in two takes as long as in one piece, never less than at full speed and never more than
// at the product of all factors.
TEST(ComputeSpeed, IsAdditiveOverWork) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    base::Rng rng(seed, "ComputeSpeed");
    ComputeSpeed speed;
    double slowest = 1;
    for (int i = 0; i < 5; ++i) {
      const double from = 10 * rng.uniform();
      const double factor = 0.1 + 0.9 * rng.uniform();
      speed.slow(0, Seconds(from), Seconds(from + 0.1 + 5 * rng.uniform()), factor);
      slowest *= factor;
    }
    const double start = 10 * rng.uniform();
    const double first = 3 * rng.uniform();
    const double second = 3 * rng.uniform();
    const double whole = duration(speed, 0, start, first + second);
    const double middle = duration(speed, 0, start, first);
    EXPECT_NEAR(middle + duration(speed, 0, start + middle, second), whole, 1e-9) << seed;
    EXPECT_GE(whole, (first + second) * (1 - 1e-12)) << seed;
    EXPECT_LE(whole, (first + second) / slowest * (1 + 1e-12)) << seed;
  }
}

}  // namespace
}  // namespace moesim::sim
