// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/expert_order.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "model/layers/moe_layer.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::kRaggedSizes;
using moesim::testing::on_each_device;

// Orders the batch's pairs on the device and compares with the processor's order.
void expect_same_order(Device& device, const RoutingBatch& batch, DeviceExpertOrder& order) {
  Buffer<std::int32_t> experts;
  Buffer<std::uint8_t> kept;
  Pairs pairs;
  pairs.experts = experts.upload(device, batch.experts);
  if (!batch.kept.empty()) pairs.kept = kept.upload(device, batch.kept);
  pairs.count = static_cast<int>(batch.experts.size());
  pairs.num_experts = batch.num_experts;
  order_by_expert(device, pairs, order);
  const ExpertOrder expected = model::order_by_expert(batch);
  const std::vector<std::int32_t> offsets = order.offsets.download();
  ASSERT_EQ(std::vector<Index>(offsets.begin(), offsets.end()), expected.first_row);
  EXPECT_EQ(order.place.download(), expected.place);
  std::vector<std::int32_t> pair_of = order.pair_of.download();
  pair_of.resize(expected.pair.size());
  EXPECT_EQ(pair_of, expected.pair);
}

RoutingBatch batch_of(int tokens, int top_k, int num_experts) {
  RoutingBatch batch;
  batch.tokens = tokens;
  batch.top_k = top_k;
  batch.num_experts = num_experts;
  batch.experts.resize(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(top_k));
  return batch;
}

// Sizes around the warp's 256 pairs and the block's 1024 among them.
TEST(DeviceExpertOrder, IsTheProcessorsForAnyNumberOfPairs) {
  on_each_device([](Device& device) {
    DeviceExpertOrder order;  // used again and again, with what the case before left in it
    base::Rng rng(1, "pairs");
    std::vector<int> sizes(kRaggedSizes.begin(), kRaggedSizes.end());
    sizes.insert(sizes.end(), {255, 256, 257, 1023, 1024, 1025, 2600});
    for (const int tokens : sizes) {
      for (const int experts : {1, 7, 256}) {
        RoutingBatch batch = batch_of(tokens, 1, experts);
        for (std::int32_t& expert : batch.experts) {
          expert = static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(experts)));
        }
        SCOPED_TRACE(tokens);
        expect_same_order(device, batch, order);
      }
    }
  });
}

TEST(DeviceExpertOrder, LeavesOutDroppedPairsAndEmptySlots) {
  on_each_device([](Device& device) {
    base::Rng rng(2, "pairs");
    RoutingBatch batch = batch_of(700, 3, 10);
    batch.kept.resize(batch.experts.size());
    for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
      batch.experts[pair] = static_cast<std::int32_t>(rng.below(11)) - 1;  // -1: an empty slot
      batch.kept[pair] = rng.below(3) > 0 ? 1 : 0;
    }
    DeviceExpertOrder order;
    expect_same_order(device, batch, order);
  });
}

// Every pair of one expert: the experts before and after it have none.
TEST(DeviceExpertOrder, TakesAllPairsOfOneExpert) {
  on_each_device([](Device& device) {
    RoutingBatch batch = batch_of(1500, 1, 64);
    for (std::int32_t& expert : batch.experts) expert = 17;
    DeviceExpertOrder order;
    expect_same_order(device, batch, order);
    batch.kept.assign(batch.experts.size(), 0);  // and none at all
    expect_same_order(device, batch, order);
  });
}

}  // namespace
}  // namespace moesim::model::cuda
