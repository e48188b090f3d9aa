// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/protocol.h"

#include <gtest/gtest.h>

#include "base/data_directory.h"
#include "sim/scenario.h"
#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::BytesPerSecond;
using base::Seconds;
using testing::collective_of;
using topologies::LinkKind;
using topologies::Topology;

topologies::Cluster two_nodes() {
  return topologies::build_cluster(testing::example_config(Topology::single_switch, 2, 4));
}

TEST(Protocol, AnIdealLibraryChangesNothing) {
  topologies::Router router(two_nodes());
  EXPECT_EQ(achieved(two_nodes(), {}), two_nodes());
  const Collective plain = collective_of(2, {{0, 1, Bytes(1e6)}});
  const Collective same = with_protocol(plain, {}, router);
  EXPECT_EQ(same.transfers, plain.transfers);
  EXPECT_EQ(same.protocol_latency, plain.protocol_latency);
}

// NVLink 400 GB/s at 80 %, everything else at 90 %.
TEST(Protocol, EfficienciesApplyByKindOfLink) {
  Protocol protocol;
  protocol.scale_up_efficiency = 0.8;
  protocol.network_efficiency = 0.9;
  const topologies::Cluster before = two_nodes();
  const topologies::Cluster after = achieved(before, protocol);
  for (std::size_t i = 0; i < before.links.size(); ++i) {
    const double share = before.links[i].kind == LinkKind::scale_up ? 0.8 : 0.9;
    EXPECT_DOUBLE_EQ(after.links[i].bandwidth.value, before.links[i].bandwidth.value * share);
  }
}

// 20 multiprocessors of 4 GB/s move 80 GB/s: less than NVLink's 400, more than PCIe's 64.
TEST(Protocol, MultiprocessorsLimitAnAcceleratorsLinks) {
  Protocol protocol;
  protocol.comm_sms = 20;
  protocol.sm_bandwidth = BytesPerSecond(4e9);
  for (const topologies::Link& link : achieved(two_nodes(), protocol).links) {
    if (link.kind == LinkKind::scale_up) {
      EXPECT_DOUBLE_EQ(link.bandwidth.value, 80e9);
    }
    if (link.kind == LinkKind::pcie) {
      EXPECT_DOUBLE_EQ(link.bandwidth.value, 64e9);
    }
  }
}

// Two cables of 1 GB/s to a rank share what its multiprocessors move: 1.5 GB/s are 0.75 each.
TEST(Protocol, SeveralLinksOfAnAcceleratorShareTheLimit) {
  topologies::Cluster star = testing::example_star({1e-6, 1e-6});
  const std::vector<topologies::Link> cables = star.links;
  star.links.insert(star.links.end(), cables.begin(), cables.end());
  Protocol protocol;
  protocol.comm_sms = 1;
  protocol.sm_bandwidth = BytesPerSecond(1.5e9);
  for (const topologies::Link& link : achieved(star, protocol).links) {
    EXPECT_DOUBLE_EQ(link.bandwidth.value, 0.75e9);
  }
}

// 32 of 132 multiprocessors are kept: 100 / 132 of the rate is left, the same for each of them.
TEST(Protocol, ReservedMultiprocessorsTakeTheirShareOfTheRate) {
  topologies::Accelerator accelerator;
  accelerator.num_sms = 132;
  accelerator.achievable_bf16 = base::FlopsPerSecond(660e12);
  accelerator.memory_bandwidth = BytesPerSecond(3e12);
  Protocol protocol;
  protocol.reserved_sms = 32;
  const topologies::Accelerator left = computing(accelerator, protocol);
  EXPECT_EQ(left.num_sms, 100);
  EXPECT_DOUBLE_EQ(left.achievable_bf16.value, 500e12);
  EXPECT_EQ(left.memory_bandwidth, accelerator.memory_bandwidth);
}

TEST(Protocol, ComputeKeepsAMultiprocessor) {
  topologies::Accelerator accelerator;
  accelerator.num_sms = 8;
  Protocol protocol;
  protocol.reserved_sms = 8;
  const base::Error all = base::thrown_error([&] { validate(protocol, accelerator, "/comm"); });
  EXPECT_EQ(all.where(), "/comm/reserved_sms");
  EXPECT_EQ(all.hint(), "use at most 7");
  accelerator.num_sms.reset();
  EXPECT_EQ(base::thrown_error([&] { validate(protocol, accelerator, "/comm"); }).message(),
            "the accelerator does not say how many multiprocessors it has");
}

// Rank 0 sends two messages to others, rank 1 one and one to itself: 3 us + 2 * 5 us.
TEST(Protocol, TheBusiestSendersMessagesArePaidOnce) {
  topologies::Router router(testing::example_star({1e-6, 1e-6, 1e-6}));
  Protocol protocol;
  protocol.kernel_latency = Seconds(3e-6);
  protocol.message_latency = Seconds(5e-6);
  Collective collective =
      collective_of(3, {{0, 1, Bytes(1)}, {0, 2, Bytes(1)}, {1, 2, Bytes(1)}, {1, 1, Bytes(1)}});
  EXPECT_NEAR(with_protocol(collective, protocol, router).protocol_latency.value, 13e-6, 1e-15);
  // Rank 1's only other transfer stands for seven messages.
  collective.messages = {1, 1, 7, 9};
  EXPECT_NEAR(with_protocol(collective, protocol, router).protocol_latency.value, 38e-6, 1e-15);
}

// Round 0: one message a rank, before anything moves. Round 1: two of rank 2.
TEST(Protocol, RoundsWaitForTheirOwnMessages) {
  topologies::Router router(testing::example_star({1e-6, 1e-6, 1e-6}));
  Protocol protocol;
  protocol.kernel_latency = Seconds(3e-6);
  protocol.message_latency = Seconds(5e-6);
  Collective collective =
      collective_of(3, {{0, 1, Bytes(1)}, {1, 2, Bytes(1)}, {2, 0, Bytes(1)}, {2, 1, Bytes(1)}});
  collective.rounds = {{2, Seconds(0)}, {4, Seconds(1e-6)}};
  const Collective paid = with_protocol(collective, protocol, router);
  EXPECT_NEAR(paid.protocol_latency.value, 8e-6, 1e-15);
  EXPECT_EQ(paid.rounds[0].latency.value, 0);
  EXPECT_NEAR(paid.rounds[1].latency.value, 11e-6, 1e-15);
}

// Three hops of 2 MB in chunks of 0.5 MB at 1 GB/s: 1.5 ms; one of 0.1 MB, smaller than a chunk.
TEST(Protocol, PipelinesFillAChunkAtATime) {
  topologies::Router router(testing::example_star({1e-6, 1e-6}));
  Collective collective = collective_of(2, {{0, 1, Bytes(2e6)}});
  collective.pipeline = {{{0, 1, Bytes(2e6)}, 3}, {{1, 0, Bytes(1e5)}, 1}};
  EXPECT_EQ(with_protocol(collective, {}, router).protocol_latency.value, 0);
  Protocol protocol;
  protocol.chunk_bytes = Bytes(5e5);
  EXPECT_NEAR(with_protocol(collective, protocol, router).protocol_latency.value, 1.6e-3, 1e-12);
}

TEST(Protocol, ACollectiveWithoutMessagesCostsNothing) {
  topologies::Router router(testing::example_star({1e-6, 1e-6}));
  Protocol protocol;
  protocol.kernel_latency = Seconds(3e-6);
  const Collective idle = collective_of(2, {{0, 0, Bytes(5)}, {0, 1, Bytes(0)}});
  EXPECT_EQ(with_protocol(idle, protocol, router).protocol_latency.value, 0);
}

TEST(Protocol, EveryPresetReadsWithoutAWarning) {
  const auto names = base::preset_names("sim/collectives/presets");
  ASSERT_FALSE(names.empty());
  for (const std::string& name : names) {
    base::JsonValue section = base::json_object();
    base::add_member(section, "preset", base::json_of(name));
    CommConfig comm;
    base::ReadReport report;
    base::read_json(resolve_comm_preset(section), comm, report, "/comm");
    EXPECT_TRUE(report.warnings.empty()) << name;
    EXPECT_EQ(comm.protocol.preset, name);
  }
}

TEST(Protocol, HalfOfAMultiprocessorLimitIsAnError) {
  CommConfig comm;
  base::ReadReport report;
  const base::Error error = base::thrown_error([&] {
    base::read_json(base::parse_json(R"({"comm_sms": 20})", "x"), comm, report, "/comm");
  });
  EXPECT_NE(error.message().find("sm_bandwidth or row_latency is above 0"), std::string::npos)
      << error.message() << error.hint();
}

}  // namespace
}  // namespace moesim::sim
