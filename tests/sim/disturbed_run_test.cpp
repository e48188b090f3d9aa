// SPDX-License-Identifier: Apache-2.0
// Whole runs of clusters where something goes wrong, jobs meet or accelerators differ, against step
// times worked out by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "sim/run.h"
#include "tests/support/example_accelerator.h"
#include "tests/support/example_cluster.h"
#include "tests/support/example_model.h"
#include "tests/support/in_child_process.h"

namespace moesim::sim {
namespace {

using topologies::Topology;

// Two layers of 8 experts on two ranks in a node each, balanced: a rank sends 512 rows of 2 x 1024
// bytes to the other in each of 8 exchanges, and in the all-reduce 4 bytes of each of 7,307,264
// parameters (worked out in run_test.cpp), over links of 50 GB/s.
constexpr double kBandwidth = 50e9;
constexpr double kExchange = 512 * 2048.0;
constexpr double kAllReduce = 4 * 7307264.0;
constexpr double kAllBytes = 8 * kExchange + kAllReduce;
// 4 us a message over one switch; the all-reduce has one more.
constexpr double kOneSwitchStep = kAllBytes / kBandwidth + 10 * 4e-6;

const auto kSimulated = {Fidelity::collective, Fidelity::flow};

Scenario example_scenario(Topology topology, int num_nodes) {
  Scenario scenario;
  scenario.name = "example";
  scenario.model = testing::example_model();
  scenario.training.seq_length = 512;
  scenario.routing.source = RoutingSourceKind::synthetic;
  scenario.routing.synthetic.distribution = Distribution::w0_balanced;
  scenario.cluster = testing::example_config(topology, num_nodes, 1);
  scenario.cluster.node.accelerator = testing::example_accelerator();
  return scenario;
}

Scenario two_nodes() { return example_scenario(Topology::single_switch, 2); }

// Nodes 0 and 1 on one leaf, 2 and 3 on the other; `oversubscription` 2 leaves one spine, with
// uplinks of 50 GB/s, 1 two of them. Job a is on nodes 0 and 2, b on 1 and 3: both cross the
// spines.
Scenario two_jobs(double oversubscription) {
  Scenario scenario = example_scenario(Topology::rail_optimized_fat_tree, 4);
  scenario.cluster.fabric.nodes_per_leaf = 2;
  scenario.cluster.fabric.oversubscription = oversubscription;
  for (const int job : {0, 1}) {
    JobConfig config;
    config.name = job == 0 ? "a" : "b";
    config.nodes = {job, job + 2};
    config.model = scenario.model;
    config.training = scenario.training;
    config.routing = scenario.routing;
    scenario.jobs.push_back(config);
  }
  return scenario;
}

Fault fault(FaultKind kind, const std::string& target, double factor = 1) {
  Fault made;
  made.effect.kind = kind;
  made.effect.target = target;
  made.effect.factor = factor;
  return made;
}

// The jobs' step times, or that of the one workload; in a process of its own.
std::vector<double> step_times(Scenario scenario, Fidelity fidelity) {
  scenario.network.fidelity = fidelity;
  return testing::in_child_process([&] {
    const Result result = run(scenario).result;
    std::vector<double> times;
    for (const JobFigures& job : result.jobs) times.push_back(job.step_time_s);
    if (times.empty()) times.push_back(result.step_time_s);
    return times;
  });
}

double step_time(const Scenario& scenario, Fidelity fidelity) {
  return step_times(scenario, fidelity).front();
}

// What a rank computes in the step on two nodes.
double compute_time() { return step_time(two_nodes(), Fidelity::analytic) - kOneSwitchStep; }

// Both jobs compute alike, so that their collectives start together and halve the uplink: every
// byte takes twice as long.
TEST(TwoJobs, ShareTheLinkThatBothNeed) {
  Scenario together = two_jobs(2);
  Scenario alone = together;
  alone.jobs.pop_back();
  for (const Fidelity fidelity : kSimulated) {
    const double time = step_time(alone, fidelity);
    // Over three switches: 4 us, and 1 us of the spine.
    EXPECT_NEAR(time, compute_time() + kAllBytes / kBandwidth + 10 * 5e-6, 1e-9);
    for (const double shared : step_times(together, fidelity)) {
      EXPECT_NEAR(shared, time + kAllBytes / kBandwidth, 1e-8);
    }
  }
  const std::vector<double> floors = step_times(together, Fidelity::analytic);
  EXPECT_NEAR(floors[0], step_time(alone, Fidelity::analytic), 1e-12);
  EXPECT_NEAR(floors[1], floors[0], 1e-12);
}

TEST(TwoJobs, ThatNeverMeetAreAsFastAsAlone) {
  Scenario apart = two_jobs(2);
  Scenario alone = apart;
  alone.jobs.pop_back();
  for (const Fidelity fidelity : kSimulated) {
    const double time = step_time(alone, fidelity);
    for (const int later : {0, 1}) {
      Scenario shifted = apart;
      shifted.jobs[later].start = base::Seconds(time + 1e-6);
      for (const double shared : step_times(shifted, fidelity)) EXPECT_NEAR(shared, time, 1e-9);
    }
  }
}

// b's first exchange, 20.97 us alone, puts its first byte on the uplink 20 us before a's last
// collective, its all-reduce, would end. Both halve their pace: those 20 us take 40 us. By then b
// has moved 20 us of its exchange and goes on alone. Each has lost 20 us.
TEST(TwoJobs, MeetOnlyWhileBothAreOnTheLink) {
  Scenario scenario = two_jobs(2);
  scenario.network.fidelity = Fidelity::collective;
  const std::vector<double> times = testing::in_child_process([&] {
    Scenario alone = scenario;
    alone.jobs.pop_back();
    const sim::Run finished = run(alone);
    double first = 0;
    double last = 0;
    for (std::size_t op = 0; op < finished.graph.ops.size(); ++op) {
      if (finished.graph.ops[op].collective < 0) continue;
      const OpTimes& span = finished.timeline.ops[op];
      if (first == 0) first = span.start.value;
      last = span.end.value;
    }
    return std::vector<double>{finished.result.step_time_s, first, last};
  });
  const double meeting = 20e-6;
  scenario.jobs[1].start = base::Seconds(times[2] - meeting - 5e-6 - times[1]);
  const std::vector<double> shared = step_times(scenario, Fidelity::collective);
  EXPECT_NEAR(shared[0], times[0] + meeting, 1e-8);
  EXPECT_NEAR(shared[1], times[0] + meeting, 1e-8);
}

TEST(TwoJobs, FiguresAreTheFirstJobs) {
  Scenario scenario = two_jobs(2);
  scenario.jobs[0].training.seq_length = 256;
  scenario.network.fidelity = Fidelity::analytic;
  const Result result = run(scenario).result;
  ASSERT_EQ(result.jobs.size(), 2U);
  EXPECT_EQ(result.scenario.num_ranks, 2);
  EXPECT_EQ(result.scenario.tokens, 2 * 256);
  EXPECT_EQ(result.jobs[0].name, "a");
  EXPECT_EQ(result.jobs[0].step_time_s, result.step_time_s);
  EXPECT_EQ(result.jobs[1].name, "b");
  EXPECT_NEAR(result.jobs[1].tokens_per_s * result.jobs[1].step_time_s, 2 * 512, 1e-6);
  for (const LinkFigures& link : result.hottest_links) {
    EXPECT_EQ(link.name.find("node1"), std::string::npos) << "b's";
  }
}

// Sprayed over two spines, each job fills its NICs, and both together the uplinks. One spine less
// halves them: what is left of the all-reduces 100 us before their end takes 200 us.
TEST(Faults, TrafficGoesOnOverAnotherWayWithWhatItHasLeft) {
  Scenario scenario = two_jobs(1);
  scenario.cluster.routing = topologies::RoutingPolicy::spray;
  for (const Fidelity fidelity : kSimulated) {
    scenario.faults = {};
    scenario.network.fidelity = fidelity;
    const std::vector<double> healthy = testing::in_child_process([&] {
      const sim::Run finished = run(scenario);
      double end = 0;
      for (std::size_t op = 0; op < finished.graph.ops.size(); ++op) {
        if (finished.graph.ops[op].collective < 0) continue;
        end = std::max(end, finished.timeline.ops[op].end.value);
      }
      return std::vector<double>{finished.result.step_time_s, end};
    });
    scenario.faults.events = {fault(FaultKind::switch_down, "spine1")};
    scenario.faults.events[0].at = base::Seconds(healthy[1] - 100e-6);
    for (const double time : step_times(scenario, fidelity)) {
      EXPECT_NEAR(time, healthy[0] + 100e-6, 1e-7) << static_cast<int>(fidelity);
    }
    // From the start on, all bytes share the one spine.
    scenario.faults.events[0].at = base::Seconds(0);
    for (const double time : step_times(scenario, fidelity)) {
      EXPECT_NEAR(time, healthy[0] + kAllBytes / kBandwidth, 1e-8) << static_cast<int>(fidelity);
    }
  }
}

// A spine that is down for a time when nothing is sent changes nothing.
TEST(Faults, AFaultAfterTheStepChangesNothing) {
  Scenario scenario = two_nodes();
  for (const Fidelity fidelity : {Fidelity::analytic, Fidelity::collective, Fidelity::flow}) {
    scenario.faults = {};
    const double healthy = step_time(scenario, fidelity);
    scenario.faults.events = {fault(FaultKind::switch_down, "switch")};
    scenario.faults.events[0].at = base::Seconds(1);
    EXPECT_NEAR(step_time(scenario, fidelity), healthy, 1e-12);
  }
}

TEST(Faults, WithoutAnotherWayTheRunSaysWhoIsCutOffWhenAndWhy) {
  Scenario scenario = two_jobs(2);
  scenario.jobs.pop_back();
  scenario.faults.events = {fault(FaultKind::link_down, "leaf0->spine0")};
  scenario.faults.events[0].at = base::Seconds(50e-6);
  for (const Fidelity fidelity : {Fidelity::analytic, Fidelity::collective, Fidelity::flow}) {
    std::string verdict;
    try {
      step_times(scenario, fidelity);
    } catch (const std::runtime_error& error) {
      verdict = error.what();
    }
    for (const char* part : {"/faults", "cut in two", "node0/gpu0", "node2/gpu0", " L0 mb0",
                             " us, after link_down of leaf0->spine0"}) {
      EXPECT_NE(verdict.find(part), std::string::npos) << part << " is not in: " << verdict;
    }
  }
}

// Each rank waits for the slower one at every exchange: the step computes at half speed, and moves
// as before.
TEST(Faults, AStragglerHoldsUpAll) {
  Scenario scenario = two_nodes();
  scenario.faults.events = {fault(FaultKind::straggler, "node1/gpu0", 0.5)};
  for (const Fidelity fidelity : {Fidelity::analytic, Fidelity::collective, Fidelity::flow}) {
    EXPECT_NEAR(step_time(scenario, fidelity), 2 * compute_time() + kOneSwitchStep, 1e-9);
  }
}

TEST(Faults, ADegradedNicTakesLongerForEveryByte) {
  Scenario scenario = two_nodes();
  scenario.faults.events = {fault(FaultKind::degraded_bandwidth, "node0/nic0->switch", 0.5)};
  for (const Fidelity fidelity : {Fidelity::analytic, Fidelity::collective, Fidelity::flow}) {
    EXPECT_NEAR(step_time(scenario, fidelity),
                compute_time() + kOneSwitchStep + kAllBytes / kBandwidth, 1e-9);
  }
}

// 10 us more for each of eight exchanges and one all-reduce, whose further step has its latency
// from the healthy cluster.
TEST(Faults, AddedLatencyIsPaidByEveryCollective) {
  Scenario scenario = two_nodes();
  scenario.faults.events = {fault(FaultKind::added_latency, "switch->node0/nic0")};
  scenario.faults.events[0].effect.latency = base::Seconds(10e-6);
  for (const Fidelity fidelity : {Fidelity::analytic, Fidelity::collective, Fidelity::flow}) {
    EXPECT_NEAR(step_time(scenario, fidelity), compute_time() + kOneSwitchStep + 90e-6, 1e-9);
  }
}

// Five times a thousandth of 50 GB/s from within the step on: five hours a byte. On the
// healthy cluster the step takes milliseconds, so only the simulated clock can tell.
TEST(Faults, ALinkAsGoodAsNoneIsRefusedWhereTheClockRunsAway) {
  Scenario scenario = two_nodes();
  scenario.faults.events.assign(5,
                                fault(FaultKind::degraded_bandwidth, "node0/nic0->switch", 1e-3));
  for (Fault& event : scenario.faults.events) {
    event.at = base::Seconds(step_time(two_nodes(), Fidelity::collective) / 2);
  }
  for (const Fidelity fidelity : {Fidelity::analytic, Fidelity::collective, Fidelity::flow}) {
    std::string refusal;
    try {
      step_times(scenario, fidelity);
    } catch (const std::runtime_error& error) {
      refusal = error.what();
    }
    EXPECT_NE(refusal.find("simulated time would reach"), std::string::npos) << refusal;
  }
}

TEST(Faults, FiguresOfLinksAreThoseOfTheWaysTaken) {
  Scenario scenario = two_jobs(1);
  scenario.faults.events = {fault(FaultKind::switch_down, "spine0")};
  scenario.network.fidelity = Fidelity::analytic;
  const Result result = run(scenario).result;
  EXPECT_EQ(result.faults, 1);
  bool is_spine_used = false;
  for (const LinkFigures& link : result.hottest_links) {
    EXPECT_EQ(link.name.find("spine0"), std::string::npos);
    is_spine_used = is_spine_used || link.name.find("spine1") != std::string::npos;
  }
  EXPECT_TRUE(is_spine_used);
}

// Three spines, ways by hash: with one spine less the hash may spread them better, and then the
// step ends before the floor, which is the healthy cluster's.
TEST(Faults, WaysAroundAFailureMayBeTheBetterOnes) {
  Scenario scenario = example_scenario(Topology::rail_optimized_fat_tree, 6);
  scenario.model.num_experts = 6;
  scenario.cluster.fabric.nodes_per_leaf = 3;
  scenario.network.fidelity = Fidelity::analytic;
  scenario.faults.events = {fault(FaultKind::switch_down, "spine2")};
  int better = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    scenario.cluster.ecmp_seed = seed;
    const Result result = run(scenario).result;
    if (result.step_time_s < result.analytic_floor_s * (1 - 1e-9)) ++better;
  }
  EXPECT_GT(better, 0);
  EXPECT_LT(better, 50);
}

// The slow accelerator has half of every rate and twice the overhead, so takes twice as long for
// everything; the other waits for it.
TEST(UnlikeAccelerators, TheSlowerOneDecides) {
  Scenario scenario = two_nodes();
  const topologies::Node fast = scenario.cluster.node;
  topologies::Node slow = fast;
  slow.accelerator.peak_bf16 = fast.accelerator.peak_bf16 / 2;
  slow.accelerator.achievable_bf16 = fast.accelerator.achievable_bf16 / 2;
  slow.accelerator.memory_bandwidth = fast.accelerator.memory_bandwidth / 2;
  slow.accelerator.kernel_overhead = fast.accelerator.kernel_overhead * 2;
  const double compute = compute_time();
  scenario.cluster.num_nodes = 0;
  scenario.cluster.node = {};
  for (const bool slow_first : {false, true}) {
    scenario.cluster.node_groups = {{slow_first ? slow : fast, 1}, {slow_first ? fast : slow, 1}};
    for (const Fidelity fidelity : {Fidelity::analytic, Fidelity::collective, Fidelity::flow}) {
      EXPECT_NEAR(step_time(scenario, fidelity), 2 * compute + kOneSwitchStep, 1e-9);
    }
  }
  scenario.network.fidelity = Fidelity::analytic;
  EXPECT_NEAR(run(scenario).result.peak_tflops_used, 150, 1e-9) << "the mean of 200 and 100";
}

}  // namespace
}  // namespace moesim::sim
