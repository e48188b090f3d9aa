// SPDX-License-Identifier: Apache-2.0
// The packet network itself, worked out by hand.
#include "tests/support/packet_network.h"

#include <gtest/gtest.h>

namespace moesim::testing {
namespace {

// Three links of 1 B/ns and 100 ns each, one message of 10 packets of 1 kB: the last packet begins
// at 9 us, and needs 1 us and 100 ns on each link: 9 + 3 + 0.3 us.
TEST(PacketNetwork, AMessageAloneIsStoredAndForwarded) {
  const std::vector<PacketLink> links(3, {1e9, 100e-9});
  for (const Queueing queueing : {Queueing::per_message, Queueing::shared_fifo}) {
    const auto ends = packet_ends(links, {{{{{0, 1, 2}}}, 10e3, 0}}, {1e3, queueing});
    ASSERT_EQ(ends.size(), 1u);
    EXPECT_NEAR(ends[0], 12.3e-6, 1e-15);
  }
}

// 2,500 B: packets of 1,000, 1,000 and 500 B. The last one waits for nothing on the second link,
// since the one before has left it at 3 us: 2.5 + 0.5 us.
TEST(PacketNetwork, TheLastPacketIsShort) {
  const auto ends = packet_ends({{1e9, 0}, {1e9, 0}}, {{{{{0, 1}}}, 2500, 0}}, {1e3});
  EXPECT_NEAR(ends.at(0), 3.5e-6, 1e-15);
}

// Messages of 3 and 1 packets take turns on one link: packets a b a a end at 1, 2, 3 and 4 us.
TEST(PacketNetwork, MessagesTakeTurns) {
  const std::vector<PacketMessage> messages = {{{{{0}}}, 3e3, 0}, {{{{0}}}, 1e3, 0}};
  const auto ends = packet_ends({{1e9, 0}}, messages, {1e3});
  EXPECT_NEAR(ends.at(0), 4e-6, 1e-15);
  EXPECT_NEAR(ends.at(1), 2e-6, 1e-15);
}

// A fast link feeds a slow one of 1 B/ns; behind the fast link there is room for 4 packets of 1 kB.
// The message ends when the slow link has carried 100 packets, whatever the room, and a message
// that shares only the fast link (10 B/ns) ends long before: each packet of the first that waits
// takes room of its own message only. 10 packets of 0.1 us, in turn with at most 1 + 4 of the
// other.
TEST(PacketNetwork, CreditsHoldBackAMessageAndNotItsNeighbour) {
  const std::vector<PacketLink> links = {{10e9, 0}, {1e9, 0}, {10e9, 0}};
  const std::vector<PacketMessage> messages = {{{{{0, 1}}}, 100e3, 0}, {{{{0, 2}}}, 10e3, 0}};
  const auto ends = packet_ends(links, messages, {1e3});
  EXPECT_NEAR(ends.at(0), 100.1e-6, 1e-12);
  EXPECT_GE(ends.at(1), 1.1e-6);
  EXPECT_LE(ends.at(1), 1.8e-6);
}

// The same with one buffer of 4 packets for both: the slow link's packets fill it, and the
// neighbour gets one packet through for each of theirs, 1 us apart.
TEST(PacketNetwork, ASharedBufferBlocksTheNeighbour) {
  const std::vector<PacketLink> links = {{10e9, 0}, {1e9, 0}, {10e9, 0}};
  const std::vector<PacketMessage> messages = {{{{{0, 1}}}, 100e3, 0}, {{{{0, 2}}}, 10e3, 0}};
  const auto ends = packet_ends(links, messages, {1e3, Queueing::shared_fifo});
  EXPECT_NEAR(ends.at(0), 100.1e-6, 1e-12);
  EXPECT_GT(ends.at(1), 5e-6);
}

// A shared port of 2 B/ns and two ways of 1 B/ns: 5 packets of 1 kB each way. They leave the port
// at 0.5, 1.0, ... 5 us, and the last way's 5 packets take 5 us from 1.0 us on.
TEST(PacketNetwork, ASplitMessageUsesItsWaysInTurn) {
  const std::vector<PacketLink> links = {{2e9, 0}, {1e9, 0}, {1e9, 0}};
  const PacketMessage message = {{{{0, 1}, 0.5}, {{0, 2}, 0.5}}, 10e3, 0};
  EXPECT_NEAR(packet_ends(links, {message}, {1e3}).at(0), 6e-6, 1e-12);
}

// 4 packets of 1 us, then 1 us of waiting, then 4 more.
TEST(PacketNetwork, AMessageStartsWhenThoseBeforeItHaveArrived) {
  const std::vector<PacketMessage> messages = {{{{{0}}}, 4e3, 0}, {{{{0}}}, 4e3, 1e-6, {0}}};
  EXPECT_NEAR(packet_ends({{1e9, 0}}, messages, {1e3}).at(1), 9e-6, 1e-15);
}

// Three links in a circle, two messages from each vertex over all three: with shared buffers that
// are full of packets for the next link nothing can move.
TEST(PacketNetwork, ADeadlockIsSeen) {
  const std::vector<PacketLink> links(3, {1e9, 0});
  std::vector<PacketMessage> messages;
  for (int m = 0; m < 6; ++m) {
    messages.push_back({{{{m % 3, (m + 1) % 3, (m + 2) % 3}}}, 100e3, 0});
  }
  EXPECT_THROW(packet_ends(links, messages, {1e3, Queueing::shared_fifo}), Deadlock);
  EXPECT_NO_THROW(packet_ends(links, messages, {1e3}));
}

}  // namespace
}  // namespace moesim::testing
