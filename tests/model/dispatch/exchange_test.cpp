// SPDX-License-Identifier: Apache-2.0
#include "model/dispatch/exchange.h"

#include <gtest/gtest.h>

namespace moesim::model {
namespace {

// Two ranks; rank 0 holds experts 1 and 2, rank 1 holds 0 and 3.
//   source 0: token 0 -> experts 3, 1; token 1 -> 2, 1 (the pair for 2 is dropped)
//   source 1: token 0 -> experts 1, 0
// Destinations: source 0: 1, 0, -, 0; source 1: 0, 1.
const Placement kPlacement = placement_of(2, {1, 0, 0, 1});

std::vector<RoutingBatch> batches() {
  RoutingBatch first{2, 2, 4, {3, 1, 2, 1}, {0.5F, 0.5F, 0.5F, 0.5F}, {1, 1, 0, 1}};
  RoutingBatch second{1, 2, 4, {1, 0}, {0.5F, 0.5F}, {}};
  return {first, second};
}

TEST(Exchange, KnowsEveryPairsDestination) {
  EXPECT_EQ(destinations(batches()[0], kPlacement, 0), (std::vector<int>{1, 0, -1, 0}));
  EXPECT_EQ(destinations(batches()[1], kPlacement, 1), (std::vector<int>{0, 1}));
}

// Send buffers: source 0 has pairs 1 and 3 for rank 0 (both expert 1, tokens 0 and 1), then pair 0
// for rank 1; source 1 has pair 0 for rank 0 and pair 1 for rank 1.
// Rank 0 receives expert 1 three times, in the order of sources and tokens; rank 1 receives expert
// 3 from source 0, then expert 0 from source 1, and computes expert 0 first.
TEST(Exchange, OrdersSendAndReceiveBuffers) {
  const Exchange exchange = plan_exchange(batches(), kPlacement);
  EXPECT_EQ(exchange.rows, (std::vector<int>{2, 1, 1, 1}));
  EXPECT_EQ(exchange.sent_pairs[0], (std::vector<std::int32_t>{1, 3, 0}));
  EXPECT_EQ(exchange.sent_pairs[1], (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(exchange.expert_order[0], (std::vector<std::int32_t>{0, 1, 2}));
  EXPECT_EQ(exchange.expert_order[1], (std::vector<std::int32_t>{1, 0}));
  EXPECT_EQ(exchange.first_row[0], (std::vector<std::int64_t>{0, 3, 3}));
  EXPECT_EQ(exchange.first_row[1], (std::vector<std::int64_t>{0, 1, 2}));
}

TEST(Exchange, CarriesRowsThereAndBack) {
  const Exchange exchange = plan_exchange(batches(), kPlacement);
  const std::vector<std::vector<int>> send{{10, 11, 20, 21, 30, 31}, {40, 41, 50, 51}};
  const auto received = all_to_all(exchange, send, 2);
  EXPECT_EQ(received[0], (std::vector<int>{10, 11, 20, 21, 40, 41}));
  EXPECT_EQ(received[1], (std::vector<int>{30, 31, 50, 51}));
  EXPECT_EQ(all_to_all_back(exchange, received, 2), send);
}

TEST(Exchange, AnEmptySlotGoesNowhere) {
  const RoutingBatch batch{1, 2, 4, {2, kNoExpert}, {1, 0}, {1, 0}};
  EXPECT_EQ(destinations(batch, kPlacement, 0), (std::vector<int>{0, -1}));
}

}  // namespace
}  // namespace moesim::model
