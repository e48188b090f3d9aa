// SPDX-License-Identifier: Apache-2.0
// Fidelity `flow` against packets with credits, and why they differ where they do.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/oracles/network/fabrics.h"
#include "tests/oracles/network/measure.h"
#include "tests/oracles/network/traffic.h"
#include "tests/support/example_cluster.h"

namespace moesim::testing {
namespace {

// [messages] |packets - flow|, of the whole collective's time.
std::vector<double> differences(const Fabric& fabric, const sim::Collective& collective,
                                const PacketOptions& options) {
  const std::vector<double> flow = message_ends(fabric, collective);
  std::vector<double> differences = packet_ends(fabric, collective, options);
  const double whole = latest(flow);
  for (std::size_t m = 0; m < flow.size(); ++m) {
    differences[m] = std::abs(differences[m] - flow[m]) / whole;
  }
  return differences;
}

// One accelerator a node, all on one switch.
Fabric star_of(int num_ranks) {
  const auto config = example_config(topologies::Topology::single_switch, num_ranks, 1);
  return {"star", build_cluster(config), {}};
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// The collective's end within 5 % and its messages' ends within 5 % of it on average.
void expect_agreement(const Fabric& fabric, int num_ranks) {
  for (const Traffic traffic : kTraffics) {
    const sim::Collective collective = all_to_all_of(traffic, num_ranks, 1e6, 1);
    const double flow = end_of(sim::Fidelity::flow, fabric, collective);
    const double packets = latest(packet_ends(fabric, collective));
    EXPECT_LT(relative_difference(flow, packets), 0.05)
        << fabric.name << ", " << name_of(traffic) << ": " << flow << " and " << packets << " s";
    EXPECT_LT(mean_of(differences(fabric, collective, {})), 0.05)
        << fabric.name << ", " << name_of(traffic);
  }
}

TEST(FlowAgainstPackets, AllToAllsOfEightRanksEndTogetherOnEveryFabric) {
  for (const Fabric& fabric : fabrics_of(8)) expect_agreement(fabric, 8);
}

// ./dev agreement tables all fabrics.
TEST(FlowAgainstPackets, AllToAllsOfSixteenRanksEndTogether) {
  for (const char* name : {"rail_optimized_fat_tree 2:1", "fat_tree, spray", "dragonfly"}) {
    expect_agreement(fabric_of(name, 16), 16);
  }
}

// Four ranks on one switch, uniform: what is left is packets' size. The last one is stored at three
// stops (accelerator, NIC, switch, NIC, accelerator), and since all senders begin with the same
// receivers, a receiver may wait n - 2 = 2 turns for its first packet: it halves with the packet.
TEST(FlowAgainstPacketsCauses, StoreAndForwardShrinksWithThePacket) {
  const Fabric fabric = star_of(4);
  const sim::Collective collective = all_to_all_of(Traffic::uniform, 4, 1e6, 1);
  const double flow = end_of(sim::Fidelity::flow, fabric, collective);
  const double late = latest(packet_ends(fabric, collective, {1000})) - flow;
  EXPECT_GT(late, 0);
  EXPECT_LT(late, (3 + 2) * 1000 / 50e9);
  for (const double times : {2.0, 4.0, 8.0}) {
    const double later = latest(packet_ends(fabric, collective, {1000 * times})) - flow;
    EXPECT_NEAR(later, late * times, late * times * 1e-3) << times;
  }
}

// One message ends when fluid would end, later by exactly the store-and-forward of one packet.
TEST(FlowAgainstPacketsCauses, AMessageAloneIsLateByOnePacketAStop) {
  const Fabric fabric = {
      "star", build_cluster(example_config(topologies::Topology::single_switch, 2, 1)), {}};
  sim::Collective collective = all_to_all_of(Traffic::uniform, 2, 1e6, 1);
  collective.transfers.resize(1);
  const double flow = end_of(sim::Fidelity::flow, fabric, collective);
  const double packets = latest(packet_ends(fabric, collective, {1000}));
  // Once at 64 GB/s before the first bottleneck, then at 50 and 64 GB/s behind the two in a row.
  EXPECT_NEAR(packets - flow, 1000 / 64e9 + 1000 / 50e9 + 1000 / 64e9, 1e-12);
}

// Where rates change while a message is under way, what is already in buffers does not: messages
// far from fluid are those that hold the most of it, and the longer they are the less it matters.
TEST(FlowAgainstPacketsCauses, BuffersMatterLessToLongMessages) {
  const Fabric fabric = fabric_of("rail_optimized_fat_tree", 16);
  double before = 1;
  for (const double bytes : {1e6, 4e6, 16e6}) {
    const sim::Collective collective = all_to_all_of(Traffic::uniform, 16, bytes, 1);
    const double worst = latest(differences(fabric, collective, {8192}));
    EXPECT_LT(worst, before) << bytes;
    before = worst;
  }
  EXPECT_LT(before, 0.1);
}

// Switches whose messages share one buffer block each other (head of line), which `flow` cannot
// tell: the same all-to-all takes several percent longer, and no longer packets' share of it.
TEST(FlowAgainstPacketsCauses, HeadOfLineBlockingIsNotInTheModel) {
  const Fabric fabric = fabric_of("rail_optimized_fat_tree", 16);
  const sim::Collective collective = all_to_all_of(Traffic::uniform, 16, 1e6, 1);
  const double flow = end_of(sim::Fidelity::flow, fabric, collective);
  const double fair = latest(packet_ends(fabric, collective));
  for (const double packet : {8192.0, 4096.0, 2048.0}) {
    const double blocked = latest(packet_ends(fabric, collective, {packet, Queueing::shared_fifo}));
    EXPECT_GT(blocked / flow - 1, 0.05) << packet;
  }
  EXPECT_LT(relative_difference(fair, flow), 0.01);
}

}  // namespace
}  // namespace moesim::testing
