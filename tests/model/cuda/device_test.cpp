// SPDX-License-Identifier: Apache-2.0
// What a thread can do, on the emulated block that all other tests trust, and a device's buffers.
#include "model/cuda/device.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"
#include "tests/support/emulated_device.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::EmulatedBlock;
using moesim::testing::EmulatedDevice;
using moesim::testing::EmulatedThread;
using moesim::testing::ThreadOrder;

// Runs work(thread) on a block of so many threads.
template <class Work>
struct KernelOf {
  const Work& work;
  void run(const EmulatedThread& thread) const { work(thread); }
};
template <class Work>
void run_block(int threads, std::size_t shared_bytes, const Work& work) {
  for (const ThreadOrder order : {ThreadOrder::forward, ThreadOrder::backward}) {
    EmulatedBlock block(order);
    block.run(KernelOf<Work>{work}, {3, 7, threads, shared_bytes});
  }
}

// A ring through shared memory: each thread reads what the one before it wrote.
TEST(EmulatedThread, WaitsForTheWholeBlock) {
  run_block(96, 96 * sizeof(int), [](const EmulatedThread& thread) {
    EXPECT_EQ(thread.block(), 3);
    EXPECT_EQ(thread.blocks(), 7);
    EXPECT_EQ(thread.threads(), 96);
    int* const places = static_cast<int*>(thread.shared());
    for (int round = 0; round < 3; ++round) {
      places[thread.index()] = thread.index() + 1000 * round;
      thread.sync();
      const int before = (thread.index() + 95) % 96;
      EXPECT_EQ(places[before], before + 1000 * round);
      thread.sync();
    }
  });
}

// Lane l brings 10 l; within halves of 16, four lanes on, the last four keep their own.
TEST(EmulatedThread, ExchangesValuesWithinItsWarp) {
  run_block(64, 0, [](const EmulatedThread& thread) {
    const int lane = thread.index() % 32;
    EXPECT_EQ(thread.shuffle(10 * lane, 5), 50);
    EXPECT_EQ(thread.shuffle_down(10 * lane, 4, 16), 10 * (lane % 16 < 12 ? lane + 4 : lane));
    EXPECT_EQ(thread.shuffle(0.25 * lane, 31), 7.75);
  });
}

// Every third lane says yes; lanes of equal remainder find each other: bits 1, 4, ..., 31 and so
// on.
TEST(EmulatedThread, KnowsWhoSaysYesAndWhoHasTheSame) {
  run_block(32, 0, [](const EmulatedThread& thread) {
    const std::uint32_t masks[] = {0x49249249U, 0x92492492U, 0x24924924U};
    EXPECT_EQ(thread.ballot(thread.index() % 3 == 0), masks[0]);
    EXPECT_EQ(thread.match(thread.index() % 3), masks[thread.index() % 3]);
  });
}

TEST(EmulatedThread, FindsNumbersInSharedMemoryOnlyOnceTheyAreWritten) {
  run_block(32, 32 * sizeof(float), [](const EmulatedThread& thread) {
    EXPECT_TRUE(std::isnan(static_cast<float*>(thread.shared())[thread.index()]));
  });
}

// One lane does not come: on a device the others would wait for ever, or not at all.
TEST(EmulatedThread, WaitingForOneThatNeverComesIsAnError) {
  EXPECT_THROW(run_block(32, 0,
                         [](const EmulatedThread& thread) {
                           if (thread.index() != 7) thread.sync_warp();
                         }),
               base::InvariantViolation);
  EXPECT_THROW(run_block(64, 0,
                         [](const EmulatedThread& thread) {
                           if (thread.index() >= 32) thread.sync();
                         }),
               base::InvariantViolation);
}

TEST(Buffer, GrowsAndIsNotShrunk) {
  EmulatedDevice device;
  Buffer<float> buffer;
  EXPECT_EQ(buffer.download(), std::vector<float>());
  buffer.upload(device, {1, 2, 3});
  const float* const place = buffer.data();
  buffer.upload(device, {4, 5});
  EXPECT_EQ(buffer.data(), place);
  EXPECT_EQ(buffer.download(), (std::vector<float>{4, 5}));
  buffer.fill_zero();
  EXPECT_EQ(buffer.download(), (std::vector<float>{0, 0}));
  buffer.reserve(device, 3);
  EXPECT_EQ(buffer.data(), place);
  const Buffer<float> moved = std::move(buffer);
  EXPECT_EQ(moved.data(), place);
  EXPECT_EQ(moved.size(), 3U);
}

TEST(Buffer, BeginsAsNoNumber) {
  EmulatedDevice device;
  const Buffer<float> buffer(device, 2);
  for (const float value : buffer.download()) EXPECT_TRUE(std::isnan(value));
}

}  // namespace
}  // namespace moesim::model::cuda
