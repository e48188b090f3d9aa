// SPDX-License-Identifier: Apache-2.0
// INV-2, INV-3 and INV-4 (docs/invariants.md) on random clusters with random traffic, at every
// fidelity. What is expected comes from the routes alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/rng.h"
#include "sim/network/network.h"
#include "tests/oracles/network/traffic.h"
#include "tests/support/in_child_process.h"
#include "tests/support/max_min_solver.h"
#include "tests/support/oracle_input.h"

namespace moesim::testing {
namespace {

constexpr std::uint64_t kSeeds = 100;
constexpr double kRounding = 1e-6;

struct Case {
  topologies::Cluster cluster;
  topologies::RoutingOptions routing;
  sim::Collective collective;
};

// Cuts the messages, shuffled, into up to four rounds, each with a latency of its own.
void cut_into_rounds(sim::Collective& collective, base::Rng& rng) {
  std::vector<topologies::Transfer>& transfers = collective.transfers;
  for (std::size_t i = transfers.size(); i > 1; --i) {
    std::swap(transfers[i - 1], transfers[rng.below(i)]);
  }
  const std::size_t num_rounds = 1 + rng.below(4);
  for (std::size_t r = 1; r <= num_rounds; ++r) {
    const base::Seconds latency(3e-6 * rng.uniform());
    collective.rounds.push_back({transfers.size() * r / num_rounds, latency});
  }
}

// Sparse, half full and dense matrices, messages of 1 kB to 10 MB, hash or spray, every third one
// in rounds.
Case case_of(std::uint64_t seed) {
  base::Rng rng(seed, "random_networks_test");
  Case c;
  c.cluster = random_cluster(seed);
  c.routing.seed = seed;
  if (seed % 2 == 1) c.routing.policy = topologies::RoutingPolicy::spray;
  const double densities[] = {0.15, 0.5, 1.0};
  const double mean_bytes[] = {1e3, 1e5, 1e7};
  c.collective = random_messages(c.cluster.num_ranks(), densities[rng.below(3)],
                                 mean_bytes[rng.below(3)], seed);
  c.collective.protocol_latency = base::Seconds(rng.below(2) == 0 ? 0 : 5e-6);
  if (seed % 3 == 2) cut_into_rounds(c.collective, rng);
  return c;
}

// [links] the bytes that the routes put there; `flow` sends whole ones on each way.
std::vector<double> expected_bytes(const Case& c, bool whole_bytes) {
  topologies::Router router(c.cluster, c.routing);
  std::vector<double> bytes(c.cluster.links.size(), 0.0);
  for (const PacketMessage& message : packet_messages_of(router, c.collective)) {
    for (const PacketWay& way : message.ways) {
      const double on_way = message.bytes * way.share;
      for (const int link : way.links) bytes[link] += whole_bytes ? std::ceil(on_way) : on_way;
    }
  }
  return bytes;
}

// The floor from its definition, without rounds' chains: protocol latency + the larger of max over
// links of the least latency of the routes over it + the bytes there / its bandwidth, and max over
// messages of latency + the time of the way that is slowest for its share.
double floor_by_hand(const Case& c) {
  topologies::Router router(c.cluster, c.routing);
  const std::vector<double> bytes = expected_bytes(c, false);
  std::vector<double> least_latency(bytes.size(), std::numeric_limits<double>::infinity());
  double floor = 0;
  for (const topologies::Transfer& transfer : c.collective.transfers) {
    const double latency = router.latency(transfer.source, transfer.destination).value;
    for (const topologies::Path& way : router.paths(transfer.source, transfer.destination)) {
      for (const int link : way.links) {
        least_latency[link] = std::min(least_latency[link], latency);
        const double bandwidth = c.cluster.links[link].bandwidth.value;
        floor = std::max(floor, latency + transfer.bytes.value * way.share / bandwidth);
      }
    }
  }
  for (std::size_t l = 0; l < bytes.size(); ++l) {
    if (bytes[l] <= 0) continue;
    floor = std::max(floor, least_latency[l] + bytes[l] / c.cluster.links[l].bandwidth.value);
  }
  return c.collective.protocol_latency.value + floor;
}

// When the last message would end if each had the cluster for itself.
double slowest_alone(const Case& c) {
  topologies::Router router(c.cluster, c.routing);
  const std::vector<double> capacities = capacities_of(c.cluster);
  double slowest = 0;
  for (Flow flow : flows_of(router, c.collective).flows) {
    flow.after.clear();
    slowest = std::max(slowest, max_min_ends(capacities, {flow}).front());
  }
  return slowest;
}

// The collective's end; then per used link its index, bytes, integral of the rates, largest rate.
struct Outcome {
  double end = 0;
  std::vector<double> carried, integral, largest;  // [links]
};

Outcome run(sim::Fidelity fidelity, const Case& c) {
  const std::vector<double> numbers = in_child_process([&] {
    topologies::Router router(c.cluster, c.routing);
    const auto network = sim::make_network(fidelity, router);
    std::vector<double> out(1);
    network->start(c.collective, [&](const sim::CollectiveEnd& end) { out[0] = end.end.value; });
    network->run();
    for (const sim::LinkUse& use : network->link_use()) {
      double integral = 0;
      double largest = 0;
      for (std::size_t i = 0; i < use.rates.size(); ++i) {
        largest = std::max(largest, use.rates[i].value);
        if (i + 1 < use.rates.size()) {
          integral += use.rates[i].value * (use.times[i + 1] - use.times[i]).value;
        }
      }
      out.insert(out.end(), {static_cast<double>(use.link), use.bytes.value, integral, largest});
    }
    return out;
  });
  const std::size_t num_links = c.cluster.links.size();
  Outcome outcome = {numbers.at(0), std::vector<double>(num_links), std::vector<double>(num_links),
                     std::vector<double>(num_links)};
  for (std::size_t i = 1; i + 3 < numbers.size(); i += 4) {
    const auto link = static_cast<std::size_t>(numbers[i]);
    outcome.carried.at(link) = numbers[i + 1];
    outcome.integral.at(link) = numbers[i + 2];
    outcome.largest.at(link) = numbers[i + 3];
  }
  return outcome;
}

class RandomNetworks : public ::testing::TestWithParam<sim::Fidelity> {};

TEST_P(RandomNetworks, NeverEndBeforeTheFloor) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Case c = case_of(seed);
    EXPECT_GE(run(GetParam(), c).end, floor_by_hand(c) * (1 - 1e-9)) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Fidelities, RandomNetworks,
                         ::testing::Values(sim::Fidelity::analytic, sim::Fidelity::collective,
                                           sim::Fidelity::flow));

class RandomSharedNetworks : public ::testing::TestWithParam<sim::Fidelity> {};

// Every link carries what the routes put on it, its rates say so too, and none is above its
// bandwidth at any time.
TEST_P(RandomSharedNetworks, CarryAllBytesWithinTheLinksCapacities) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Case c = case_of(seed);
    const std::vector<double> expected = expected_bytes(c, GetParam() == sim::Fidelity::flow);
    const Outcome outcome = run(GetParam(), c);
    for (std::size_t l = 0; l < expected.size(); ++l) {
      const std::string where = "seed " + std::to_string(seed) + ", " + c.cluster.links[l].name;
      ASSERT_NEAR(outcome.carried[l], expected[l], kRounding * expected[l]) << where;
      ASSERT_NEAR(outcome.integral[l], expected[l], kRounding * expected[l]) << where;
      ASSERT_LE(outcome.largest[l], c.cluster.links[l].bandwidth.value * (1 + kRounding)) << where;
    }
  }
}

// `analytic` is the floor itself, to which rounds add their longest chain.
TEST(RandomFloors, AreWhatAnalyticSays) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Case c = case_of(seed);
    if (!c.collective.rounds.empty()) continue;
    const double floor = floor_by_hand(c);
    EXPECT_NEAR(run(sim::Fidelity::analytic, c).end, floor, floor * 1e-9) << "seed " << seed;
  }
}

// At `flow` no message is faster than alone.
TEST(RandomFlows, NeverBeatTheirSlowestMessageAlone) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Case c = case_of(seed);
    EXPECT_GE(run(sim::Fidelity::flow, c).end, slowest_alone(c) * (1 - 1e-9)) << "seed " << seed;
  }
}

// At `flow`: the solver's end, to 0.01 %.
TEST(RandomFlows, EndWhenTheSolverSays) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Case c = case_of(seed);
    topologies::Router router(c.cluster, c.routing);
    double expected = c.collective.protocol_latency.value;
    for (const double end :
         max_min_ends(capacities_of(c.cluster), flows_of(router, c.collective).flows)) {
      expected = std::max(expected, end);
    }
    EXPECT_NEAR(run(sim::Fidelity::flow, c).end, expected, expected * 1e-4) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Fidelities, RandomSharedNetworks,
                         ::testing::Values(sim::Fidelity::collective, sim::Fidelity::flow));

}  // namespace
}  // namespace moesim::testing
