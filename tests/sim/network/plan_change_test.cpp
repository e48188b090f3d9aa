// SPDX-License-Identifier: Apache-2.0
// Network::plan_change: the cluster becomes another under way. Each network runs in a process of
// its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "sim/network/network.h"
#include "tests/support/detour.h"
#include "tests/support/example_cluster.h"
#include "tests/support/in_child_process.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::BytesPerSecond;
using base::Seconds;
using testing::collective_of;
using testing::Detour;
using testing::drawn_detour;
using topologies::LinkChange;

// SimGrid gives a message a delay of at least 1 ns, and counts whole bytes.
constexpr double kNearly = 1e-8;

ClusterChange down_at(double at_s, const std::vector<int>& links) {
  ClusterChange change{Seconds(at_s), {}, "a cable pulled"};
  for (const int link : links) change.links.push_back({link, false});
  return change;
}

ClusterChange bandwidth_at(double at_s, int link, double bandwidth, double latency_s = 1e-6) {
  return {Seconds(at_s),
          {{link, true, BytesPerSecond(bandwidth), Seconds(latency_s)}},
          "another bandwidth"};
}

struct Start {
  double at_s = 0;
  Collective collective;
};

class PlanChange : public ::testing::TestWithParam<Fidelity> {
 protected:
  // [starts] the ends, then per link that carried anything its index and bytes.
  static std::vector<double> run(const topologies::Cluster& cluster,
                                 const std::vector<ClusterChange>& changes,
                                 const std::vector<Start>& starts,
                                 const topologies::RoutingOptions& options = {}) {
    return testing::in_child_process([&] {
      topologies::Router router(cluster, options);
      const auto network = make_network(GetParam(), router);
      std::vector<double> numbers(starts.size());
      for (const ClusterChange& change : changes) network->plan_change(change);
      for (std::size_t i = 0; i < starts.size(); ++i) {
        const auto note = [&numbers, i](const CollectiveEnd& end) { numbers[i] = end.end.value; };
        const auto start = [&network, &starts, i, note] {
          network->start(starts[i].collective, note);
        };
        if (starts[i].at_s > 0) {
          network->after(Seconds(starts[i].at_s), start);
        } else {
          start();
        }
      }
      network->run();
      for (const LinkUse& use : network->link_use()) {
        numbers.insert(numbers.end(), {static_cast<double>(use.link), use.bytes.value});
      }
      return numbers;
    });
  }

  static double end_of(const topologies::Cluster& cluster,
                       const std::vector<ClusterChange>& changes, const Collective& collective) {
    return run(cluster, changes, {{0, collective}}).front();
  }

  // What a run throws.
  static std::string error_of(const topologies::Cluster& cluster, const ClusterChange& change,
                              const Collective& collective) {
    try {
      end_of(cluster, {change}, collective);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "nothing";
  }

  static double bytes_on(const std::vector<double>& found, std::size_t num_starts, int link) {
    for (std::size_t i = num_starts; i + 1 < found.size(); i += 2) {
      if (found[i] == link) return found[i + 1];
    }
    return 0;
  }
};

const Collective kOneGigabyte = collective_of(4, {{0, 1, Bytes(1e9)}});

// The direct cable carries from 3 us on: by 0.5 s, 499.997 MB. Over switch c, 500.003 MB at
// 0.5 GB/s take 1.000006 s. `flow` sends them anew from gpu0, 4 us away; a collective in lock-step
// has paid its latency already.
TEST_P(PlanChange, AMessageGoesOnOverAnotherWayWithWhatItHasLeft) {
  const Detour detour = drawn_detour();
  const std::vector<double> found =
      run(detour.cluster, {down_at(0.5, {detour.direct})}, {{0, kOneGigabyte}});
  const double latency = GetParam() == Fidelity::flow ? 4e-6 : 0;
  EXPECT_NEAR(found[0], 1.500006 + latency, kNearly);
  EXPECT_NEAR(bytes_on(found, 1, detour.direct), 499.997e6, 2);
  EXPECT_NEAR(bytes_on(found, 1, detour.first), 500.003e6, 2);
  EXPECT_NEAR(bytes_on(found, 1, detour.second), 500.003e6, 2);
}

// A message that came to the detour stays there when the direct cable is back; the next takes the
// direct one: from 1 s and 3 us on for 1 s.
TEST_P(PlanChange, WhatStartsAfterTheRepairTakesTheOldWay) {
  const Detour detour = drawn_detour();
  const std::vector<double> found =
      run(detour.cluster, {down_at(0.5, {detour.direct}), bandwidth_at(0.75, detour.direct, 1e9)},
          {{0, kOneGigabyte}, {1, kOneGigabyte}});
  const double latency = GetParam() == Fidelity::flow ? 4e-6 : 0;
  EXPECT_NEAR(found[0], 1.500006 + latency, kNearly);
  EXPECT_NEAR(found[1], 2.000003, kNearly);
}

// Both ways are cut at 0.5 s: the verdict says who, for what, when and after what.
TEST_P(PlanChange, NoOtherWayIsAnErrorThatNamesAll) {
  const Detour detour = drawn_detour();
  const std::string error =
      error_of(detour.cluster, down_at(0.5, {detour.direct, detour.first}), kOneGigabyte);
  for (const char* part : {"rank 0", "rank 1", "\"example\"", "500 ms", "a cable pulled"}) {
    EXPECT_NE(error.find(part), std::string::npos) << part << " is not in: " << error;
  }
}

// The same for a collective that starts when the ways are down already.
TEST_P(PlanChange, StartingWithoutAWayIsAnErrorThatNamesAll) {
  const Detour detour = drawn_detour();
  try {
    run(detour.cluster, {down_at(0.25, {detour.direct, detour.first})}, {{0.5, kOneGigabyte}});
    FAIL();
  } catch (const std::runtime_error& error) {
    for (const char* part : {"rank 0", "rank 1", "\"example\"", "500 ms", "a cable pulled"}) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
}

// Of 1 GB at 1 GB/s from 3 us on, 499.997 MB are there by 0.5 s; at half the rate 125 MB more by
// 0.75 s; the rest, 375.003 MB, at the full rate again: 1.125003 s.
TEST_P(PlanChange, ALinkThatSlowsDownAndComesBackIsFollowed) {
  const Detour detour = drawn_detour();
  const double end =
      end_of(detour.cluster,
             {bandwidth_at(0.5, detour.direct, 0.5e9), bandwidth_at(0.75, detour.direct, 1e9)},
             kOneGigabyte);
  EXPECT_NEAR(end, 1.125003, kNearly);
}

// Starts at 0.25 s while the link is at a tenth: 0.25 s and 3 us on, 24.9997 MB by 0.5 s. Then
// 975.0003 MB at 1 GB/s: 1.4750003 s. SimGrid caps a flow for life by what its links had when it
// started: 10.25 s.
TEST_P(PlanChange, WhatStartsOnASlowLinkSpeedsUpWithIt) {
  const Detour detour = drawn_detour();
  const std::vector<double> found =
      run(detour.cluster,
          {bandwidth_at(0.125, detour.direct, 0.1e9), bandwidth_at(0.5, detour.direct, 1e9)},
          {{0.25, kOneGigabyte}});
  EXPECT_NEAR(found[0], 1.4750003, kNearly);
}

// As fast as the cable is from now on, twice what it was: 1 GB is half there at 0.5 s, and the rest
// takes 0.25 s.
TEST_P(PlanChange, ALinkMayBecomeFasterThanItEverWas) {
  const Detour detour = drawn_detour();
  EXPECT_NEAR(end_of(detour.cluster, {bandwidth_at(0.5, detour.direct, 2e9)}, kOneGigabyte),
              0.75 + 1.5e-6, kNearly);
}

// 100 us more on the cable count for the message that starts at 0.5 s, not for the one under way.
// Each is alone on its direction: from gpu0 to gpu1 it ends before the other starts.
TEST_P(PlanChange, AddedLatencyCountsForWhatStartsLater) {
  const Detour detour = drawn_detour();
  const Collective tenth = collective_of(4, {{0, 1, Bytes(0.1e9)}});
  const std::vector<double> found = run(
      detour.cluster, {bandwidth_at(0.05, detour.direct, 1e9, 101e-6)}, {{0, tenth}, {0.5, tenth}});
  EXPECT_NEAR(found[0], 0.1 + 3e-6, kNearly);
  EXPECT_NEAR(found[1], 0.6 + 103e-6, kNearly);
}

// Down from the first moment: 1 GB at 0.5 GB/s, 4 us away.
TEST_P(PlanChange, AChangeAtTimeZeroHoldsFromTheStart) {
  const Detour detour = drawn_detour();
  EXPECT_NEAR(end_of(detour.cluster, {down_at(0, {detour.direct})}, kOneGigabyte), 2 + 4e-6,
              kNearly);
}

// Links of gpu0 and gpu1 change nothing for gpu2 and gpu3's way back, 0.3 GB at 1 GB/s.
TEST_P(PlanChange, WhatUsesOtherLinksFeelsNothing) {
  const Detour detour = drawn_detour();
  const std::vector<double> found =
      run(detour.cluster, {down_at(0.125, {detour.direct})},
          {{0, kOneGigabyte}, {0, collective_of(4, {{3, 2, Bytes(0.3e9)}})}});
  EXPECT_NEAR(found[1], 0.3 + 3e-6, kNearly);
}

// The cable changes in the moment in which the message arrives, just before and just after.
TEST_P(PlanChange, AChangeAtTheVeryEndOfAMessageDoesNoHarm) {
  const Detour detour = drawn_detour();
  const double end = end_of(detour.cluster, {}, kOneGigabyte);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double at :
       {end, std::nextafter(end, 0), std::nextafter(end, infinity), end - 1e-9, end + 1e-9}) {
    // Sent anew a hair before its end, a message pays the detour's 4 us and a byte's 2 ns.
    for (const auto& [change, late] : {std::pair(bandwidth_at(at, detour.direct, 2e9), 0.0),
                                       std::pair(down_at(at, {detour.direct}), 4e-6)}) {
      const double found = end_of(detour.cluster, {change}, kOneGigabyte);
      EXPECT_GE(found, end - kNearly) << at - end;
      EXPECT_LE(found, end + late + kNearly) << at - end;
    }
  }
}

// gpu0 -> gpu1 and gpu2 -> gpu3 of 0.5 GB each, in one collective, share the direct cable: 1 s. At
// 0.5 s, 250 MB are left of each; both go on over switch c, at 0.25 GB/s each: 1.5 s.
TEST_P(PlanChange, AllMessagesOfACollectiveGoOn) {
  const Detour detour = drawn_detour();
  const double end = end_of(detour.cluster, {down_at(0.5, {detour.direct})},
                            collective_of(4, {{0, 1, Bytes(0.5e9)}, {2, 3, Bytes(0.5e9)}}));
  const double latency = GetParam() == Fidelity::flow ? 4e-6 : 0;
  EXPECT_NEAR(end, 1.500006 + latency, kNearly);
}

// gpu0's port has 10 GB/s, then 1; gpu3's 1 GB/s, then 10. 1 GB from gpu0 has left by 0.1 s; of the
// 1 GB to gpu3 half is there by 0.5 s, and the rest takes 50 ms: 0.55 s for both together, less
// than on either cluster for good. In lock-step half of both is there by 0.5 s, and then gpu0's
// port needs 0.5 s more.
TEST_P(PlanChange, ACollectiveMayEndBeforeItCouldOnEitherCluster) {
  topologies::Cluster star = testing::example_star({1e-6, 1e-6, 1e-6, 1e-6});
  for (topologies::Link& link : star.links) link.bandwidth = BytesPerSecond(10e9);
  const int from_gpu0 = 0;
  const int to_gpu3 = 7;
  star.links[to_gpu3].bandwidth = BytesPerSecond(1e9);
  ClusterChange change = bandwidth_at(0.5, from_gpu0, 1e9);
  change.links.push_back({to_gpu3, true, BytesPerSecond(10e9), Seconds(1e-6)});
  const double end =
      end_of(star, {change}, collective_of(4, {{0, 1, Bytes(1e9)}, {2, 3, Bytes(1e9)}}));
  EXPECT_NEAR(end, GetParam() == Fidelity::flow ? 0.55 : 1.0, 3e-6);
}

// A cable of 0.1 GB/s and 1 us becomes one of 1 GB/s and 9.2 s: 1 GB takes 10 s on either. It is
// half there after 5 s, and the rest, which has paid its latency, takes 0.5 s.
TEST_P(PlanChange, AFasterCableOfMoreLatencyDoesNotBindWhatIsUnderWay) {
  topologies::Cluster star = testing::example_star({1e-6, 1e-6});
  star.links[0].bandwidth = BytesPerSecond(0.1e9);
  const double end =
      end_of(star, {bandwidth_at(5, 0, 1e9, 9.2)}, collective_of(2, {{0, 1, Bytes(1e9)}}));
  EXPECT_NEAR(end, 5.5, 1e-5);
}

// Cables to spine 0 that go down and come back, and any links that slow down and recover, at random
// and in the middle of three collectives, one of them with rounds. Beside the checks that run along
// (INV-2 to INV-4), every collective ends, no earlier than where every link has all its bandwidth
// all the time.
TEST_P(PlanChange, WhateverHappensEveryCollectiveEnds) {
  topologies::ClusterConfig config =
      testing::example_config(topologies::Topology::rail_optimized_fat_tree, 8, 2);
  const topologies::Cluster cluster = build_cluster(config);
  std::vector<int> spare;
  for (std::size_t l = 0; l < cluster.links.size(); ++l) {
    if (cluster.links[l].name.find("spine0") != std::string::npos) {
      spare.push_back(static_cast<int>(l));
    }
  }
  ASSERT_FALSE(spare.empty());
  std::vector<Start> starts;
  for (int i = 0; i < 3; ++i) {
    starts.push_back({i * 1e-3, testing::skewed_all_to_all(16, 5e6, i)});
  }
  starts[1].collective.rounds = {{100, Seconds(1e-6)}, {240, Seconds(1e-6)}};
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    base::Rng rng(seed, "plan_change_test");
    std::vector<ClusterChange> changes;
    for (int i = 0; i < 12; ++i) {
      const double begin = 10e-3 * rng.uniform();
      const double end = begin + 5e-3 * rng.uniform();
      const bool down = rng.below(2) == 0;
      const int link =
          down ? spare[rng.below(spare.size())] : static_cast<int>(rng.below(cluster.links.size()));
      const topologies::Link& whole = cluster.links[link];
      changes.push_back(down ? down_at(begin, {link})
                             : bandwidth_at(begin, link, whole.bandwidth.value * 0.2, 9e-6));
      changes.push_back(bandwidth_at(end, link, whole.bandwidth.value, whole.latency.value));
    }
    const auto policy =
        seed % 2 == 0 ? topologies::RoutingPolicy::ecmp : topologies::RoutingPolicy::spray;
    const std::vector<double> found = run(cluster, changes, starts, {policy});
    for (std::size_t i = 0; i < starts.size(); ++i) {
      double busiest_port = 0;
      std::vector<double> bytes(16, 0.0);
      for (const topologies::Transfer& transfer : starts[i].collective.transfers) {
        bytes[transfer.destination] += transfer.bytes.value;
        // NIC and scale-up link together.
        busiest_port = std::max(busiest_port, bytes[transfer.destination] / 450e9);
      }
      EXPECT_GT(found[i], starts[i].at_s + busiest_port) << "seed " << seed;
      EXPECT_LT(found[i], 1) << "seed " << seed;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fidelities, PlanChange,
                         ::testing::Values(Fidelity::collective, Fidelity::flow));

// gpu0 -> gpu1 of 10 MB is long done when gpu1's cable fails at 0.5 s; gpu2 -> gpu3 goes on.
TEST(PlanChangeOfFlows, WhoHasArrivedNeedsNoRouteAnyMore) {
  const topologies::Cluster star = testing::example_star({0, 0, 0, 0});
  const std::vector<double> ends = testing::in_child_process([&] {
    topologies::Router router(star);
    const auto network = make_network(Fidelity::flow, router);
    std::vector<double> times;
    network->plan_change(down_at(0.5, {3}));
    network->start(collective_of(4, {{0, 1, Bytes(10e6)}, {2, 3, Bytes(1e9)}}),
                   [&](const CollectiveEnd& end) { times = {end.end.value}; });
    network->run();
    return times;
  });
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_NEAR(ends[0], 1, kNearly);
}

// 1 GB is sprayed over two ways of 1 GB/s: by 0.25 s each has carried 0.25 GB. Then a -> s1 is down
// and the 0.5 GB that are left share the other way with another message of 0.25 GB, each at
// 0.5 GB/s: the other ends at 0.75 s, and 0.25 GB at 1 GB/s later the first: 1 s.
TEST(PlanChangeOfFlows, ASprayedMessageIsStillOneMessageOnTheWayThatIsLeft) {
  const testing::TwoWays ways = testing::drawn_two_ways();
  const std::vector<double> ends = testing::in_child_process([&] {
    topologies::RoutingOptions options;
    options.policy = topologies::RoutingPolicy::spray;
    topologies::Router router(ways.cluster, options);
    const auto network = make_network(Fidelity::flow, router);
    std::vector<double> times(2);
    network->plan_change(down_at(0.25, {ways.uplinks[1]}));
    network->start(kOneGigabyte, [&](const CollectiveEnd& end) { times[0] = end.end.value; });
    network->after(Seconds(0.25), [&] {
      network->start(collective_of(4, {{2, 3, Bytes(0.25e9)}}),
                     [&](const CollectiveEnd& end) { times[1] = end.end.value; });
    });
    network->run();
    return times;
  });
  // Latencies: 4 us for each, and again for what is sent anew.
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_NEAR(ends[0], 1, 2e-5);
  EXPECT_NEAR(ends[1], 0.75, 2e-5);
}

// A network made for one collective at a time holds no links in SimGrid but the collective's pace.
// 1 GB over ports of 1 GB/s that halve at 0.5 s and are whole again at 1 s: 0.5 + 0.25 GB are
// through, the rest takes 0.25 s.
TEST(PlanChangeOfLoneCollectives, IsFollowedWithoutLinksInSimGrid) {
  const topologies::Cluster star = testing::example_star({0, 0});
  const std::vector<double> ends = testing::in_child_process([&] {
    topologies::Router router(star);
    const auto network = make_network(Fidelity::collective, router, {.most_at_once = 1});
    for (const auto& [at, share] : {std::pair(0.5, 0.5), std::pair(1.0, 1.0)}) {
      ClusterChange change{Seconds(at), {}, "other bandwidths"};
      for (int link = 0; link < static_cast<int>(star.links.size()); ++link) {
        change.links.push_back(
            {link, true, star.links[link].bandwidth * share, star.links[link].latency});
      }
      network->plan_change(change);
    }
    std::vector<double> end(1);
    network->start(collective_of(2, {{0, 1, Bytes(1e9)}}),
                   [&end](const CollectiveEnd& at) { end[0] = at.end.value; });
    network->run();
    return end;
  });
  EXPECT_NEAR(ends.at(0), 1.25, 1e-8);
}

}  // namespace
}  // namespace moesim::sim
