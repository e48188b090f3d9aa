// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/tile_configs.h"

#include <gtest/gtest.h>

namespace moesim::model::cuda {
namespace {

template <template <Form, int> class Tiles, class Expect>
void for_all_forms(Expect&& expect) {
  expect(Tiles<Form::into_units, 1>{});
  expect(Tiles<Form::into_units, 2>{});
  expect(Tiles<Form::into_rows, 1>{});
  expect(Tiles<Form::into_weights, 1>{});
}

// 64 KiB of stages and the scan: what the smallest of the processors from 8.0 on has, 99 KiB.
TEST(TileConfigs, OfWarpsFitTheSmallestProcessor) {
  for_all_forms<WarpTile>([](auto config) {
    using Config = decltype(config);
    EXPECT_LE(shared_bytes<Config>(kMostGroupedExperts), kSharedBytesOf86);
    EXPECT_LE(Config::kM * Config::kN * 4, Config::kStages * stage_bytes<Config>());
    EXPECT_EQ(Config::kThreads / 32 * Config::kWarpM * Config::kWarpN, Config::kM * Config::kN);
  });
}

// Threads that add one by one stay below 48 KiB, what a kernel has without asking.
TEST(TileConfigs, OfThreadsNeedNoMoreThanEveryKernelHas) {
  for_all_forms<ThreadTile>([](auto config) {
    using Config = decltype(config);
    EXPECT_LE(shared_bytes<Config>(kMostGroupedExperts), 48 * 1024);
    EXPECT_EQ(Config::kThreads * Config::kThreadM * Config::kThreadN, Config::kM * Config::kN);
  });
}

// 4 stages of 48 KiB or 6 of 32 KiB, 2 x 16 KiB of staging. Registers: 128 x 56 + 256 x 224 =
// 64512.
TEST(TileConfigs, OfWarpgroupsFitProcessors90) {
  for_all_forms<WarpgroupTile>([](auto config) {
    using Config = decltype(config);
    EXPECT_EQ(Config::kStages * stage_bytes<Config>(), 192 * 1024);
    EXPECT_LE(warpgroup_shared_bytes<Config>(kMostGroupedExperts), kSharedBytesOf90);
    EXPECT_EQ(staging_at<Config>() % 1024, 0);
    EXPECT_EQ(barriers_at<Config>() % 8, 0);
    EXPECT_LE(Config::kGroupThreads *
                  (Config::kLoaderRegisters + Config::kConsumers * Config::kConsumerRegisters),
              kRegisters);
    EXPECT_EQ(Config::kConsumersOfTile * Config::kBlocks * 64, Config::kM);
    // Accumulators of a thread leave room for addresses and the epilogue.
    EXPECT_LE(Config::kBlocks * Config::kN / 2, 128);
  });
}

}  // namespace
}  // namespace moesim::model::cuda
