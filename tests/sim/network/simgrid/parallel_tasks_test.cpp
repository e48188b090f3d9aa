// SPDX-License-Identifier: Apache-2.0
// Through the network of fidelity `collective`, each in a process of its own.
#include "sim/network/simgrid/parallel_tasks.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "sim/network/simgrid/collective_network.h"
#include "tests/support/detour.h"
#include "tests/support/in_child_process.h"
#include "tests/support/skewed_traffic.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;
using testing::collective_of;

// The ends of collectives that start together.
std::vector<double> ends_together(const topologies::Cluster& cluster,
                                  const std::vector<Collective>& collectives) {
  return testing::in_child_process([&] {
    topologies::Router router(cluster);
    const auto network = make_collective_network(router, {});
    std::vector<double> ends(collectives.size());
    for (std::size_t i = 0; i < collectives.size(); ++i) {
      network->start(collectives[i],
                     [&ends, i](const CollectiveEnd& end) { ends[i] = end.end.value; });
    }
    network->run();
    return ends;
  });
}

// One task puts 1 GB on the direct cable (1 GB/s) and so has 1 s; the other is on the same cable
// with 0.2 GB, at the pace of its own 3 GB the other way: 3 s. Together they ask 1 + 1/15 GB/s of
// the cable. It is fair at the bottleneck: the second keeps its pace and takes 1/15 GB/s, the first
// has 14/15 GB/s: 15/14 s.
TEST(ParallelTasks, ATaskThatIsPacedElsewhereKeepsItsPace) {
  const testing::Detour detour = testing::drawn_detour();
  const std::vector<double> ends =
      ends_together(detour.cluster, {collective_of(4, {{0, 1, Bytes(1e9)}}),
                                     collective_of(4, {{2, 3, Bytes(0.2e9)}, {3, 2, Bytes(3e9)}})});
  EXPECT_NEAR(ends[0], 15.0 / 14 + 3e-6, 1e-8);
  EXPECT_NEAR(ends[1], 3 + 3e-6, 1e-8);
}

// Ports of 1 GB/s and a cable of 2 GB/s: both together do not fill it, and each is as fast as
// alone.
TEST(ParallelTasks, LinksThatAreNotFilledSlowNobody) {
  const testing::Detour detour = testing::drawn_detour();
  topologies::Cluster cluster = detour.cluster;
  for (topologies::Link& link : cluster.links) link.bandwidth = base::BytesPerSecond(1e9);
  cluster.links[detour.direct].bandwidth = base::BytesPerSecond(2e9);
  const std::vector<double> ends = ends_together(
      cluster, {collective_of(4, {{0, 1, Bytes(1e9)}}), collective_of(4, {{2, 3, Bytes(0.5e9)}})});
  EXPECT_NEAR(ends[0], 1 + 3e-6, 1e-9);
  EXPECT_NEAR(ends[1], 0.5 + 3e-6, 1e-9);
}

// Content decides what is worked out: five collectives of two contents, under any name.
TEST(ParallelTasks, EqualCollectivesAreWorkedOutOnce) {
  const std::vector<double> counts = testing::in_child_process([] {
    topologies::Router router(testing::example_star({0, 0, 0}));
    const auto network = make_collective_network(router, {});
    for (const int destination : {1, 2, 1, 1, 2}) {
      Collective collective = collective_of(3, {{0, destination, Bytes(1e6)}});
      collective.name = "to " + std::to_string(destination);
      network->start(collective, [](const CollectiveEnd&) {});
    }
    network->run();
    return std::vector<double>{static_cast<double>(network->repetition().collectives),
                               static_cast<double>(network->repetition().worked_out)};
  });
  EXPECT_EQ(counts, (std::vector<double>{5, 2}));
}

TEST(ParallelTasks, AtFlowNothingIsWorkedOutBeforehand) {
  const std::vector<double> counts = testing::in_child_process([] {
    topologies::Router router(testing::example_star({0, 0}));
    const auto network = make_network(Fidelity::flow, router);
    network->start(collective_of(2, {{0, 1, Bytes(1e6)}}), [](const CollectiveEnd&) {});
    network->run();
    return std::vector<double>{static_cast<double>(network->repetition().collectives),
                               static_cast<double>(network->repetition().worked_out)};
  });
  EXPECT_EQ(counts, (std::vector<double>{0, 0}));
}

// One after another, of all kinds: with rounds, without, kept from its busiest link.
TEST(ParallelTasks, OneAtATimeEndsAsManyAtATimeDo) {
  const topologies::Cluster cluster = build_cluster(testing::thin_uplinks());
  Collective rounds = testing::hot_nic_behind_thin_uplinks();
  rounds.rounds = {{3, Seconds(1e-6)}, {6, Seconds(2e-6)}};
  const std::vector<Collective> all = {testing::hot_nic_behind_thin_uplinks(), rounds,
                                       testing::skewed_all_to_all(12, 1e6, 4)};
  const auto ends_of = [&](const NetworkOptions& options) {
    return testing::in_child_process([&] {
      topologies::Router router(cluster);
      const auto network = make_collective_network(router, options);
      std::vector<double> ends;
      std::function<void(const CollectiveEnd&)> next = [&](const CollectiveEnd& end) {
        ends.push_back(end.end.value);
        if (ends.size() < all.size()) network->start(all[ends.size()], next);
      };
      network->start(all[0], next);
      network->run();
      for (const LinkUse& use : network->link_use()) ends.push_back(use.bytes.value);
      return ends;
    });
  };
  const std::vector<double> one = ends_of({1});
  const std::vector<double> many = ends_of({});
  ASSERT_EQ(one.size(), many.size());
  ASSERT_GT(one.size(), 3u);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], many[i], many[i] * 1e-9);
  EXPECT_NEAR(one[0], 2.405e-3, 1e-9);
}

}  // namespace
}  // namespace moesim::sim
