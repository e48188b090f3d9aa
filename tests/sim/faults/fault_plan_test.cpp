// SPDX-License-Identifier: Apache-2.0
#include "sim/faults/fault_plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using base::Seconds;

Fault fault(FaultKind kind, const std::string& target, double at, std::optional<double> until = {},
            double factor = 1) {
  Fault made;
  made.effect.kind = kind;
  made.effect.target = target;
  made.effect.factor = factor;
  made.effect.latency = Seconds(kind == FaultKind::added_latency ? 1e-3 : 0);
  made.at = Seconds(at);
  if (until) made.until = Seconds(*until);
  return made;
}

// Three ranks "gpu0" to "gpu2" in a node each, links 2 r ("gpu<r>->switch") and 2 r + 1 (back) of
// 1 GB/s and 1 ms.
topologies::Cluster star() {
  topologies::Cluster cluster = testing::example_star({1e-3, 1e-3, 1e-3});
  for (int rank = 0; rank < 3; ++rank) cluster.vertices[cluster.accelerators[rank]].rank = rank;
  return cluster;
}

FaultPlan plan_events(std::vector<Fault> events) {
  FaultsConfig faults;
  faults.events = std::move(events);
  return plan_faults(faults, star());
}

std::set<int> links_of(const ClusterChange& change) {
  std::set<int> links;
  for (const topologies::LinkChange& link : change.links) links.insert(link.link);
  EXPECT_EQ(links.size(), change.links.size()) << "each link once";
  return links;
}

TEST(FaultPlan, ACableGoesDownInBothDirectionsAndComesBack) {
  const FaultPlan plan = plan_events({fault(FaultKind::link_down, "switch->gpu1", 1, 3)});
  EXPECT_EQ(plan.num_faults, 1);
  ASSERT_EQ(plan.changes.size(), 2U);
  EXPECT_EQ(plan.changes[0].at, Seconds(1));
  EXPECT_EQ(plan.changes[0].cause, "link_down of switch->gpu1");
  EXPECT_EQ(links_of(plan.changes[0]), (std::set<int>{2, 3}));
  EXPECT_FALSE(plan.changes[0].links[0].up);
  EXPECT_FALSE(plan.changes[0].links[1].up);
  EXPECT_EQ(plan.changes[1].at, Seconds(3));
  EXPECT_EQ(plan.changes[1].cause, "link_down of switch->gpu1 ends");
  for (const topologies::LinkChange& link : plan.changes[1].links) {
    EXPECT_TRUE(link.up);
    EXPECT_EQ(link.bandwidth, base::BytesPerSecond(1e9));
    EXPECT_EQ(link.latency, Seconds(1e-3));
  }
}

TEST(FaultPlan, ACableThatMatchesInBothDirectionsIsOneFault) {
  const FaultPlan plan = plan_events({fault(FaultKind::link_down, "*", 1)});
  EXPECT_EQ(plan.num_faults, 3);
  ASSERT_EQ(plan.changes.size(), 1U);
  EXPECT_EQ(links_of(plan.changes[0]), (std::set<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(plan.changes[0].cause, "link_down of gpu0->switch and 2 more");
}

TEST(FaultPlan, ADegradedLinkIsOneDirection) {
  const FaultPlan plan =
      plan_events({fault(FaultKind::degraded_bandwidth, "gpu0->switch", 0, {}, 0.25),
                   fault(FaultKind::added_latency, "switch->gpu0", 0)});
  EXPECT_EQ(plan.num_faults, 2);
  ASSERT_EQ(plan.changes.size(), 1U) << "they begin together";
  ASSERT_EQ(links_of(plan.changes[0]), (std::set<int>{0, 1}));
  EXPECT_EQ(plan.changes[0].links[0].bandwidth, base::BytesPerSecond(0.25e9));
  EXPECT_EQ(plan.changes[0].links[0].latency, Seconds(1e-3));
  EXPECT_EQ(plan.changes[0].links[1].bandwidth, base::BytesPerSecond(1e9));
  EXPECT_EQ(plan.changes[0].links[1].latency, Seconds(2e-3));
}

// Of one cable: down in [1, 4) and [2, 3), half its bandwidth in [0, 5), a fifth of that from 3 on.
TEST(FaultPlan, FaultsOfOneLinkAddUp) {
  const FaultPlan plan =
      plan_events({fault(FaultKind::link_down, "gpu0->switch", 1, 4),
                   fault(FaultKind::link_down, "gpu0->switch", 2, 3),
                   fault(FaultKind::degraded_bandwidth, "gpu0->switch", 0, 5, 0.5),
                   fault(FaultKind::degraded_bandwidth, "gpu0->switch", 3, {}, 0.2)});
  std::map<double, std::pair<bool, double>> states;  // by time: up, GB/s
  for (const ClusterChange& change : plan.changes) {
    const topologies::LinkChange& link = change.links.front();
    ASSERT_EQ(link.link, 0);
    states[change.at.value] = {link.up, link.bandwidth.value / 1e9};
  }
  ASSERT_EQ(states.size(), 6U);
  const auto expect = [&](double time, bool up, double bandwidth) {
    EXPECT_EQ(states[time].first, up) << time;
    EXPECT_NEAR(states[time].second, bandwidth, 1e-12) << time;
  };
  expect(0, true, 0.5);
  expect(1, false, 0.5);
  expect(2, false, 0.5);
  expect(3, false, 0.1);
  expect(4, true, 0.1);
  expect(5, true, 0.2);
}

TEST(FaultPlan, ASwitchANicAndANodeAreAllTheirLinks) {
  EXPECT_EQ(links_of(plan_events({fault(FaultKind::switch_down, "switch", 0)}).changes[0]).size(),
            6U);
  EXPECT_EQ(links_of(plan_events({fault(FaultKind::node_down, "node2", 0)}).changes[0]),
            (std::set<int>{4, 5}));
  // Two nodes of two accelerators: a NIC has four links, to its accelerator and to the switch. A
  // node has two accelerators with four links each (scale-up and PCIe), and two cables: 12.
  FaultsConfig faults;
  faults.events = {fault(FaultKind::nic_down, "node1/nic0", 0)};
  const topologies::Cluster cluster =
      topologies::build_cluster(testing::example_config(topologies::Topology::single_switch, 2, 2));
  const FaultPlan nic = plan_faults(faults, cluster);
  ASSERT_EQ(nic.changes[0].links.size(), 4U);
  for (const topologies::LinkChange& link : nic.changes[0].links) {
    EXPECT_NE(cluster.links[link.link].name.find("node1/nic0"), std::string::npos);
  }
  faults.events = {fault(FaultKind::node_down, "node1", 0)};
  EXPECT_EQ(plan_faults(faults, cluster).changes[0].links.size(), 12U);
}

TEST(FaultPlan, AStragglerSlowsItsRankAndNoLink) {
  const FaultPlan plan = plan_events({fault(FaultKind::straggler, "gpu1", 1, 3, 0.5)});
  EXPECT_EQ(plan.num_faults, 1);
  EXPECT_TRUE(plan.changes.empty());
  EXPECT_EQ(plan.speed.duration(1, Seconds(1), Seconds(1)), Seconds(2));
  EXPECT_EQ(plan.speed.duration(0, Seconds(1), Seconds(1)), Seconds(1));
}

TEST(FaultPlan, AnUnknownTargetNamesTheNearest) {
  const auto error_of = [](FaultKind kind, const std::string& target) {
    return base::thrown_error([&] { plan_events({fault(kind, target, 0, {}, 0.5)}); });
  };
  const base::Error link = error_of(FaultKind::link_down, "gpu1->swich");
  EXPECT_EQ(link.where(), "/faults/events/0/target");
  EXPECT_EQ(link.message(), "\"gpu1->swich\" names nothing that link_down can happen to");
  EXPECT_NE(link.hint().find("gpu1->switch"), std::string::npos);
  EXPECT_EQ(error_of(FaultKind::nic_down, "nic0").hint(), "the cluster has none");
  EXPECT_NE(error_of(FaultKind::straggler, "switch").hint().find("gpu"), std::string::npos)
      << "a switch computes nothing";
  EXPECT_NE(error_of(FaultKind::node_down, "elsewhere").hint().find("\"node0\" and \"node2\""),
            std::string::npos);
}

RandomFaults drawn_stragglers(double mean, double duration, double horizon) {
  RandomFaults random;
  random.effect.kind = FaultKind::straggler;
  random.effect.target = "gpu0";
  random.effect.factor = 0.5;
  random.mean_time_between = Seconds(mean);
  random.duration = Seconds(duration);
  random.horizon = Seconds(horizon);
  return random;
}

FaultPlan plan_drawn(const RandomFaults& random) {
  FaultsConfig faults;
  faults.random = {random};
  return plan_faults(faults, star());
}

// Renewals of mean 9 + 1 s: 1,000 in 10,000 s, standard deviation 9 / 10 x sqrt(1,000) = 28.
TEST(FaultPlan, DrawnFaultsComeAsOftenAsTheirMeanSays) {
  double sum = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    RandomFaults random = drawn_stragglers(9, 1, 10000);
    random.seed = seed;
    const int count = plan_drawn(random).num_faults;
    EXPECT_NEAR(count, 1000, 5 * 28) << seed;
    sum += count;
  }
  EXPECT_NEAR(sum / 20, 1000, 5 * 28 / std::sqrt(20.0));
}

TEST(FaultPlan, DrawsHangOnTheSeedAndTheTargetAlone) {
  RandomFaults random = drawn_stragglers(1, 1, 100);
  random.effect = fault(FaultKind::link_down, "gpu1->*", 0).effect;
  const FaultPlan one = plan_drawn(random);
  ASSERT_FALSE(one.changes.empty());
  random.effect.target = "gpu*->switch";
  const FaultPlan all = plan_drawn(random);
  std::set<double> times;
  for (const ClusterChange& change : all.changes) times.insert(change.at.value);
  EXPECT_GT(times.size(), one.changes.size());
  for (const ClusterChange& change : one.changes) EXPECT_EQ(times.count(change.at.value), 1U);
  random.seed = 1;
  EXPECT_EQ(times.count(plan_drawn(random).changes.front().at.value), 0U);
}

TEST(FaultPlan, ChangesAreInTheOrderOfTime) {
  RandomFaults random = drawn_stragglers(1, 0.5, 100);
  random.effect = fault(FaultKind::link_down, "*", 0).effect;
  const FaultPlan plan = plan_drawn(random);
  ASSERT_GT(plan.changes.size(), 100U);
  for (std::size_t i = 1; i < plan.changes.size(); ++i) {
    EXPECT_LT(plan.changes[i - 1].at, plan.changes[i].at);
  }
}

TEST(FaultPlan, MoreFaultsThanCanBeSimulatedAreRefused) {
  const base::Error error =
      base::thrown_error([] { plan_drawn(drawn_stragglers(1e-9, 1e-9, 3600)); });
  EXPECT_EQ(error.where(), "/faults/random/0/horizon");
  EXPECT_NE(error.hint().find("mean_time_between"), std::string::npos);
}

}  // namespace
}  // namespace moesim::sim
