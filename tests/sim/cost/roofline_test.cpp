// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/roofline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace moesim::sim {
namespace {

// 100 TFLOP/s on 10 SMs, 1 TB/s of which half is achieved, no overhead; an exponent so high that
// the longer side decides alone.
topologies::Accelerator plain_accelerator() {
  topologies::Accelerator accelerator;
  accelerator.achievable_bf16 = base::FlopsPerSecond(100e12);
  accelerator.memory_bandwidth = base::BytesPerSecond(1e12);
  accelerator.achievable_memory_fraction = 0.5;
  accelerator.num_sms = 10;
  accelerator.roofline_exponent = 200;
  return accelerator;
}

// One expert, 1280 rows, n = 128, k = 6400: 10 tiles on 10 SMs, one wave. A tile takes
// 2 * 128 * 128 * 6400 FLOP / 10 TFLOP/s = 20.97152 us. Memory: 2 * (128*6400 + 1280*(128+6400))
// = 18.35 MB / 0.5 TB/s = 36.7 us, which is longer.
TEST(Roofline, TheLongerSideDecides) {
  const std::vector<int> rows{1280};
  const double bytes = 2.0 * (128.0 * 6400 + 1280.0 * (128 + 6400));
  EXPECT_NEAR(time_grouped_gemm(plain_accelerator(), rows, 128, 6400).value, bytes / 0.5e12, 1e-12);
}

// n = 12800: 10 x 100 = 1000 tiles, 100 waves of 20.97152 us = 2097.152 us; memory is below half.
TEST(Roofline, ComputeBoundTimeIsWavesOfTiles) {
  const std::vector<int> rows{1280};
  EXPECT_NEAR(time_grouped_gemm(plain_accelerator(), rows, 12800, 6400).value, 2097.152e-6, 1e-9);
}

// One row more needs an 11th row of tiles: 1100 tiles, 110 waves.
TEST(Roofline, OneRowMoreCostsAWholeRowOfTiles) {
  const std::vector<int> rows{1281};
  EXPECT_NEAR(time_grouped_gemm(plain_accelerator(), rows, 12800, 6400).value, 2306.8672e-6, 1e-9);
}

// Ten experts of 128 rows stream ten weight matrices: 10 * 2 * 12800 * 6400 bytes and the rows'
// own, 3.4 ms of memory against 2.1 ms of math. Two experts of 1 and 1279 rows are 1 + 10 row tiles
// where one of 1280 is 10: real counts decide, not the mean.
TEST(Roofline, RealCountsDecideNotTheMean) {
  const auto accelerator = plain_accelerator();
  const std::vector<int> even(10, 128), one{1280}, skewed{1, 1279};
  const double weights = 2.0 * 12800 * 6400;
  const double activations = 2.0 * 1280 * (12800 + 6400);
  EXPECT_NEAR(time_grouped_gemm(accelerator, even, 12800, 6400).value,
              (10 * weights + activations) / 0.5e12, 1e-9);
  EXPECT_LT(time_grouped_gemm(accelerator, one, 12800, 6400),
            time_grouped_gemm(accelerator, skewed, 12800, 6400));
}

TEST(Roofline, NoRowsCostNothing) {
  const std::vector<int> none{0, 0, 0};
  EXPECT_EQ(time_grouped_gemm(plain_accelerator(), none, 128, 128).value, 0);
  EXPECT_EQ(time_grouped_gemm(plain_accelerator(), {}, 128, 128).value, 0);
  EXPECT_EQ(time_memory_bound(plain_accelerator(), base::Bytes(0)).value, 0);
}

// Without an SM count the 11 tiles take 11 tenths of what 10 take, instead of a second wave.
TEST(Roofline, WithoutSmsThereAreNoWaves) {
  topologies::Accelerator accelerator = plain_accelerator();
  accelerator.memory_bandwidth = base::BytesPerSecond(1e18);
  const std::vector<int> ten{1280}, eleven{1281};
  const double waves_10 = time_grouped_gemm(accelerator, ten, 128, 6400).value;
  const double waves_11 = time_grouped_gemm(accelerator, eleven, 128, 6400).value;
  EXPECT_NEAR(waves_11 / waves_10, 2.0, 1e-6);
  accelerator.num_sms.reset();
  EXPECT_NEAR(time_grouped_gemm(accelerator, eleven, 128, 6400).value / waves_10, 1.1, 1e-6);
}

// Equal sides with exponent 2: sqrt(2) of either. 1e6 bytes take 2 us; 2e8 FLOP take 2 us.
TEST(Roofline, SidesJoinAsAPNorm) {
  topologies::Accelerator accelerator = plain_accelerator();
  accelerator.roofline_exponent = 2;
  accelerator.kernel_overhead = base::Seconds(3e-6);
  EXPECT_NEAR(time_fused(accelerator, base::Flops(2e8), base::Bytes(1e6)).value,
              3e-6 + 2e-6 * std::sqrt(2.0), 1e-15);
}

// Weight gradient of one expert, 100 rows (two depth steps of 64), k = n = 1280: 100 tiles in 10
// waves; each walks 128 rows: 2*128*128*128 / 10 TFLOP/s = 0.4194304 us.
TEST(Roofline, WeightGradientWalksTheRows) {
  topologies::Accelerator accelerator = plain_accelerator();
  accelerator.memory_bandwidth = base::BytesPerSecond(1e18);
  const std::vector<int> rows{100};
  EXPECT_NEAR(time_grouped_weight_gradient(accelerator, rows, 1280, 1280).value, 4.194304e-6,
              1e-12);
}

// 129 rows cover 256, 128 cover 128: (384 - 257) / 384.
TEST(Roofline, PaddingIsWhatTilesCoverBeyondRealRows) {
  const std::vector<int> rows{129, 128, 0};
  EXPECT_NEAR(padding_share(rows), 127.0 / 384.0, 1e-15);
}

}  // namespace
}  // namespace moesim::sim
