// SPDX-License-Identifier: Apache-2.0
#include "sim/network/round_tracker.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;
using testing::collective_of;
using Messages = std::vector<int>;

TEST(RoundTracker, WithoutRoundsAllMessagesStartTogether) {
  // The second carries nothing, the third goes nowhere.
  const Collective collective =
      collective_of(3, {{0, 1, Bytes(1)}, {1, 2, Bytes(0)}, {2, 2, Bytes(9)}, {2, 0, Bytes(1)}});
  RoundTracker tracker(collective);
  EXPECT_EQ(tracker.num_messages(), 2);
  EXPECT_EQ(tracker.first_messages(), (Messages{0, 3}));
  EXPECT_EQ(tracker.wait_before(3), Seconds(0));
  EXPECT_EQ(tracker.arrive(3), Messages{});
  EXPECT_EQ(tracker.arrive(0), Messages{});
}

// Round 0: 0 -> 1 and 2 -> 3. Round 1: 1 -> 2 waits for both, 3 -> 4 for rank 3 alone, since rank 4
// had nothing to do. Round 2: 4 -> 0 waits for 3 -> 4 and for 0 -> 1.
TEST(RoundTracker, AMessageWaitsForItsTwoEndsOnly) {
  Collective collective = collective_of(
      5,
      {{0, 1, Bytes(1)}, {2, 3, Bytes(1)}, {1, 2, Bytes(1)}, {3, 4, Bytes(1)}, {4, 0, Bytes(1)}});
  collective.rounds = {{2, Seconds(1e-6)}, {4, Seconds(2e-6)}, {5, Seconds(3e-6)}};
  RoundTracker tracker(collective);
  EXPECT_EQ(tracker.num_messages(), 5);
  EXPECT_EQ(tracker.first_messages(), (Messages{0, 1}));
  EXPECT_EQ(tracker.arrive(1), Messages{3});
  EXPECT_EQ(tracker.arrive(3), Messages{});
  EXPECT_EQ(tracker.arrive(0), (Messages{2, 4}));
  EXPECT_EQ(tracker.arrive(2), Messages{});
  EXPECT_EQ(tracker.arrive(4), Messages{});
  EXPECT_EQ(tracker.wait_before(0), Seconds(1e-6));
  EXPECT_EQ(tracker.wait_before(3), Seconds(2e-6));
  EXPECT_EQ(tracker.wait_before(4), Seconds(3e-6));
}

// Rank 0 sends twice in round 0 and once in round 1, which waits for both.
TEST(RoundTracker, AnEndWaitsForAllItsMessagesOfARound) {
  Collective collective = collective_of(3, {{0, 1, Bytes(1)}, {0, 2, Bytes(1)}, {1, 0, Bytes(1)}});
  collective.rounds = {{2, Seconds(0)}, {3, Seconds(0)}};
  RoundTracker tracker(collective);
  EXPECT_EQ(tracker.first_messages(), (Messages{0, 1}));
  EXPECT_EQ(tracker.arrive(0), Messages{});
  EXPECT_EQ(tracker.arrive(1), Messages{2});
}

// A round whose messages carry nothing holds nobody up.
TEST(RoundTracker, NobodyWaitsForWhatCarriesNothing) {
  Collective collective = collective_of(2, {{0, 1, Bytes(0)}, {0, 1, Bytes(1)}});
  collective.rounds = {{1, Seconds(0)}, {2, Seconds(0)}};
  RoundTracker tracker(collective);
  EXPECT_EQ(tracker.first_messages(), Messages{1});
}

// 100 random messages in 10 rounds, arriving in random order: each is told once, and only when all
// that share an end with it and come rounds before have arrived.
TEST(RoundTracker, TellsEveryMessageOnceAndNeverTooEarly) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    base::Rng rng(seed, "round_tracker_test");
    Collective collective = collective_of(8, {});
    for (int m = 0; m < 100; ++m) {
      const auto source = static_cast<int>(rng.below(8));
      const int destination = (source + 1 + static_cast<int>(rng.below(7))) % 8;
      collective.transfers.push_back({source, destination, Bytes(1)});
    }
    for (std::size_t end = 10; end <= 100; end += 10) collective.rounds.push_back({end, {}});
    RoundTracker tracker(collective);
    std::vector<char> told(100, 0);
    std::vector<char> arrived(100, 0);
    Messages moving;
    const auto tell = [&](const Messages& messages) {
      for (const int m : messages) {
        EXPECT_EQ(told[m]++, 0);
        moving.push_back(m);
        for (int before = 0; before < m / 10 * 10; ++before) {
          const auto& a = collective.transfers[before];
          const auto& b = collective.transfers[m];
          const bool meets = a.source == b.source || a.source == b.destination ||
                             a.destination == b.source || a.destination == b.destination;
          EXPECT_TRUE(!meets || arrived[before]) << before << " before " << m;
        }
      }
    };
    tell(tracker.first_messages());
    while (!moving.empty()) {
      std::swap(moving[rng.below(moving.size())], moving.back());
      const int m = moving.back();
      moving.pop_back();
      arrived[m] = 1;
      tell(tracker.arrive(m));
    }
    EXPECT_EQ(std::count(arrived.begin(), arrived.end(), 1), 100);
  }
}

}  // namespace
}  // namespace moesim::sim
