// SPDX-License-Identifier: Apache-2.0
// What every fidelity promises. Each network runs in a process of its own.
#include "sim/network/network.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "tests/support/detour.h"
#include "tests/support/example_cluster.h"
#include "tests/support/in_child_process.h"

namespace moesim::sim {
namespace {

using testing::collective_of;
using testing::example_config;
using testing::in_child_process;
using topologies::Topology;

class EveryFidelity : public ::testing::TestWithParam<Fidelity> {
 protected:
  // Runs `work` on a fresh network in a child process.
  static std::vector<double> on(const topologies::Cluster& cluster,
                                const std::function<std::vector<double>(Network&)>& work) {
    return in_child_process([&] {
      topologies::Router router(cluster);
      return work(*make_network(GetParam(), router));
    });
  }
};

// 100 MB from node 0 to node 1 over the NIC of 50 GB/s: 2 ms, and 4 us of latency.
TEST_P(EveryFidelity, TwoNodesWorkedByHand) {
  const topologies::Cluster cluster = build_cluster(example_config(Topology::single_switch, 2, 1));
  const std::vector<double> times = on(cluster, [](Network& network) {
    std::vector<double> ends;
    network.start(collective_of(2, {{0, 1, base::Bytes(100e6)}}), [&](const CollectiveEnd& end) {
      ends = {end.end.value, end.rank_end[0].value, end.rank_end[1].value, network.now().value};
    });
    network.run();
    return ends;
  });
  ASSERT_EQ(times.size(), 4u);
  for (const double time : times) EXPECT_NEAR(time, 2.004e-3, 2.004e-3 * 1e-9);
}

TEST_P(EveryFidelity, NothingToCarryEndsAfterTheProtocolLatency) {
  const std::vector<double> ends = on(testing::example_star({1e-6, 1e-6}), [](Network& network) {
    std::vector<double> times;
    Collective nothing = collective_of(2, {{0, 1, base::Bytes(0)}, {1, 1, base::Bytes(5e6)}});
    nothing.protocol_latency = base::Seconds(7e-6);
    Collective empty = collective_of(0, {});
    const auto note = [&](const CollectiveEnd& end) {
      times.push_back(end.end.value);
      for (const base::Seconds rank : end.rank_end) times.push_back(rank.value);
    };
    network.start(nothing, note);
    network.start(empty, note);
    network.run();
    return times;
  });
  EXPECT_EQ(ends, (std::vector<double>{0, 7e-6, 7e-6, 7e-6}));
}

TEST_P(EveryFidelity, RunsWithNothingToDoAndAgainLater) {
  const std::vector<double> clock = on(testing::example_star({0, 0}), [](Network& network) {
    std::vector<double> times;
    network.run();
    times.push_back(network.now().value);
    network.after(base::Seconds(0.5), [] {});
    network.run();
    times.push_back(network.now().value);
    network.start(collective_of(2, {{0, 1, base::Bytes(1e9)}}), [](const CollectiveEnd&) {});
    network.run();
    times.push_back(network.now().value);
    return times;
  });
  ASSERT_EQ(clock.size(), 3u);
  EXPECT_EQ(clock[0], 0);
  EXPECT_EQ(clock[1], 0.5);
  EXPECT_NEAR(clock[2], 1.5, 2e-9);
}

// Registered out of order and two at a time; what a callback registers for now comes last.
TEST_P(EveryFidelity, CallbacksComeInOrderOfTimeAndRegistration) {
  const std::vector<double> order = on(testing::example_star({0, 0}), [](Network& network) {
    std::vector<double> seen;
    const auto note = [&](double number) { return [&seen, number] { seen.push_back(number); }; };
    network.after(base::Seconds(2e-3), note(4));
    network.after(base::Seconds(1e-3), [&] {
      seen.push_back(1);
      network.after(base::Seconds(0), note(3));
    });
    network.after(base::Seconds(1e-3), note(2));
    network.after(base::Seconds(2e-3), note(5));
    network.after(base::Seconds(0), note(0));
    network.run();
    return seen;
  });
  EXPECT_EQ(order, (std::vector<double>{0, 1, 2, 3, 4, 5}));
}

// 1 MB at 1 GB/s is 1 ms; each of ten starts where the one before ends.
TEST_P(EveryFidelity, CollectivesStartedAtTheEndOfOthersFollowOn) {
  const std::vector<double> ends = on(testing::example_star({0, 0}), [](Network& network) {
    std::vector<double> times;
    std::function<void(const CollectiveEnd&)> next = [&](const CollectiveEnd& end) {
      times.push_back(end.end.value);
      if (times.size() < 10) network.start(collective_of(2, {{0, 1, base::Bytes(1e6)}}), next);
    };
    network.start(collective_of(2, {{0, 1, base::Bytes(1e6)}}), next);
    network.run();
    return times;
  });
  ASSERT_EQ(ends.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_NEAR(ends[i], (i + 1) * 1e-3, (i + 1) * 2e-9);
}

TEST_P(EveryFidelity, AnErrorInACallbackComesOutOfRun) {
  const auto fail = [](Network& network) -> std::vector<double> {
    network.start(collective_of(2, {{0, 1, base::Bytes(1e6)}}),
                  [](const CollectiveEnd&) { throw std::runtime_error("from the callback"); });
    network.run();
    return {};
  };
  try {
    on(testing::example_star({0, 0}), fail);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "from the callback");
  }
}

INSTANTIATE_TEST_SUITE_P(Fidelities, EveryFidelity,
                         ::testing::Values(Fidelity::analytic, Fidelity::collective,
                                           Fidelity::flow));

class SharingFidelity : public EveryFidelity {};

// 10 and 90 MB share a NIC of 50 GB/s from 4 us on: the small one gets 25 GB/s and ends at
// 4 us + 0.4 ms, the large one has the NIC to itself afterwards: 4 us + 100 MB / 50 GB/s.
TEST_P(SharingFidelity, TwoCollectivesShareALinkFairly) {
  const topologies::Cluster cluster = build_cluster(example_config(Topology::single_switch, 2, 1));
  const std::vector<double> ends = on(cluster, [](Network& network) {
    std::vector<double> times;
    const auto note = [&](const CollectiveEnd& end) { times.push_back(end.end.value); };
    network.start(collective_of(2, {{0, 1, base::Bytes(90e6)}}), note);
    network.start(collective_of(2, {{0, 1, base::Bytes(10e6)}}), note);
    network.run();
    return times;
  });
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_NEAR(ends[0], 0.404e-3, 1e-9);
  EXPECT_NEAR(ends[1], 2.004e-3, 1e-9);
}

// The second of 1 GB starts at 0.5 s on a link of 1 GB/s: the first has 0.5 GB left, both get half,
// so the first ends at 1.5 s; the second has 0.5 GB left and ends at 2 s. The link is full for 2 s.
TEST_P(SharingFidelity, ACollectiveThatStartsLaterSlowsTheOther) {
  const std::vector<double> found = on(testing::example_star({0, 0}), [](Network& network) {
    std::vector<double> numbers;
    const auto note = [&](const CollectiveEnd& end) { numbers.push_back(end.end.value); };
    const Collective one = collective_of(2, {{0, 1, base::Bytes(1e9)}});
    network.start(one, note);
    network.after(base::Seconds(0.5), [&] { network.start(one, note); });
    network.run();
    const std::vector<LinkUse> uses = network.link_use();
    numbers.push_back(static_cast<double>(uses.size()));
    for (const LinkUse& use : uses) {
      numbers.insert(numbers.end(),
                     {static_cast<double>(use.link), use.bytes.value, use.busy.value,
                      use.rates.front().value, use.rates.back().value, use.times.back().value});
    }
    return numbers;
  });
  ASSERT_EQ(found.size(), 15u);
  EXPECT_NEAR(found[0], 1.5, 1e-8);
  EXPECT_NEAR(found[1], 2.0, 1e-8);
  EXPECT_EQ(found[2], 2);
  // Links 0 (gpu0 -> switch) and 3 (switch -> gpu1), in this order.
  for (const std::size_t use : {std::size_t{3}, std::size_t{9}}) {
    EXPECT_EQ(found[use], use == 3 ? 0 : 3);
    EXPECT_NEAR(found[use + 1], 2e9, 2e3);
    EXPECT_NEAR(found[use + 2], 2.0, 1e-8);
    EXPECT_NEAR(found[use + 3], 1e9, 1e3);
    EXPECT_EQ(found[use + 4], 0);
    EXPECT_NEAR(found[use + 5], 2.0, 1e-8);
  }
}

// Four sources start S_i -> X_i, then S_i -> C, 1 GB each over ports of 1 GB/s. C's port carries
// 4 GB: 4.0 s. SimGrid's network/optim:Lazy says 2.0 s with C's port at 2 GB/s.
TEST_P(SharingFidelity, NoPortCarriesMoreThanItsCapacity) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(9, 0.0));
  const std::vector<double> found = on(star, [](Network& network) {
    std::vector<topologies::Transfer> transfers;
    for (int i = 0; i < 4; ++i) {
      transfers.push_back({i, 4 + i, base::Bytes(1e9)});
      transfers.push_back({i, 8, base::Bytes(1e9)});
    }
    std::vector<double> numbers;
    network.start(collective_of(9, transfers),
                  [&](const CollectiveEnd& end) { numbers.push_back(end.end.value); });
    network.run();
    for (const LinkUse& use : network.link_use()) {
      for (const base::BytesPerSecond rate : use.rates) numbers.push_back(rate.value);
    }
    return numbers;
  });
  ASSERT_GT(found.size(), 9u);
  EXPECT_NEAR(found[0], 4.0, 1e-8);
  for (std::size_t i = 1; i < found.size(); ++i) EXPECT_LE(found[i], 1e9 * (1 + 1e-6));
}

// INV-2 and INV-4 on real shapes: bytes carried are the bytes that the routes put on the links, and
// the end is not before the floor.
TEST_P(SharingFidelity, BytesArriveWholeAndNotBeforeTheFloor) {
  const topologies::Cluster cluster =
      build_cluster(example_config(Topology::rail_optimized_fat_tree, 8, 4));
  topologies::Router router(cluster);
  const Collective traffic = testing::skewed_all_to_all(32, 1e6, 3);
  const std::vector<topologies::LinkLoad> loads = link_loads(router, traffic.transfers);
  const std::vector<double> found = on(cluster, [&](Network& network) {
    std::vector<double> numbers;
    network.start(traffic, [&](const CollectiveEnd& end) { numbers.push_back(end.end.value); });
    network.run();
    for (const LinkUse& use : network.link_use()) {
      numbers.push_back(use.link);
      numbers.push_back(use.bytes.value);
    }
    return numbers;
  });
  ASSERT_EQ(found.size(), 1 + 2 * loads.size());
  EXPECT_GE(found[0], floor_of(router, traffic).value);
  for (std::size_t i = 0; i < loads.size(); ++i) {
    EXPECT_EQ(found[1 + 2 * i], loads[i].link);
    EXPECT_NEAR(found[2 + 2 * i], loads[i].bytes.value, 1e-6 * loads[i].bytes.value);
  }
}

// Times from nanoseconds to a quarter of an hour: SimGrid's absolute precisions must not show.
TEST_P(SharingFidelity, ScalesFromOneByteToManyTerabytes) {
  for (const double bytes : {1.0, 64.0, 1e4, 1e12}) {
    const std::vector<double> ends = on(testing::example_star({0, 0}), [&](Network& network) {
      std::vector<double> times;
      const auto note = [&](const CollectiveEnd& end) { times.push_back(end.end.value); };
      network.start(collective_of(2, {{0, 1, base::Bytes(bytes)}}), note);
      network.start(collective_of(2, {{0, 1, base::Bytes(2 * bytes)}}), note);
      network.run();
      return times;
    });
    ASSERT_EQ(ends.size(), 2u);
    // A message has a delay of at least 1 ns at `flow`.
    EXPECT_NEAR(ends[0], 2 * bytes / 1e9, 1.001e-9 + bytes * 1e-15);
    EXPECT_NEAR(ends[1], 3 * bytes / 1e9, 1.001e-9 + bytes * 1e-15);
  }
}

TEST_P(SharingFidelity, ASecondEngineInOneProcessIsOurBug) {
  const auto twice = [] {
    const topologies::Cluster star = testing::example_star({0, 0});
    topologies::Router router(star);
    const auto first = make_network(GetParam(), router);
    const auto second = make_network(GetParam(), router);
    return std::vector<double>{};
  };
  try {
    in_child_process(twice);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("one engine"), std::string::npos) << error.what();
  }
}

// 1 GB from 0 s and 0.5 GB from 0.5 s on, over one cable of 1 GB/s: at 0.5 s both have 0.5 GB left
// and share it until 1.5 s. The same when the smaller is first: it has 0.1 GB left at 0.4 s, ends
// at 0.6 s, and the other's 0.9 GB at 1.5 s.
TEST_P(SharingFidelity, WhoCameFirstHasNoPrivilege) {
  const testing::Detour detour = testing::drawn_detour();
  const Collective large = collective_of(4, {{0, 1, base::Bytes(1e9)}});
  const Collective small = collective_of(4, {{2, 3, base::Bytes(0.5e9)}});
  const auto both = [&](const Collective& first, const Collective& second, double later) {
    return on(detour.cluster, [&](Network& network) {
      std::vector<double> ends(2);
      network.start(first, [&](const CollectiveEnd& end) { ends[0] = end.end.value; });
      network.after(base::Seconds(later), [&] {
        network.start(second, [&](const CollectiveEnd& end) { ends[1] = end.end.value; });
      });
      network.run();
      return ends;
    });
  };
  const std::vector<double> large_first = both(large, small, 0.5);
  EXPECT_NEAR(large_first[0], 1.5, 1e-5);
  EXPECT_NEAR(large_first[1], 1.5, 1e-5);
  const std::vector<double> small_first = both(small, large, 0.4);
  EXPECT_NEAR(small_first[0], 0.6, 1e-5);
  EXPECT_NEAR(small_first[1], 1.5, 1e-5);
}

// Ten of 10 MB, one each 0.1 s, each for 20 ms at half the rate beside 1 GB that so loses 10 ms to
// each: 1.1 s.
TEST_P(SharingFidelity, WhatIsInterruptedOftenLosesNoTimeByIt) {
  const std::vector<double> ends = on(testing::example_star({0, 0}), [](Network& network) {
    std::vector<double> times(11);
    network.start(collective_of(2, {{0, 1, base::Bytes(1e9)}}),
                  [&](const CollectiveEnd& end) { times[0] = end.end.value; });
    for (int i = 1; i <= 10; ++i) {
      network.after(base::Seconds(0.1 * i), [&network, &times, i] {
        network.start(collective_of(2, {{0, 1, base::Bytes(10e6)}}),
                      [&times, i](const CollectiveEnd& end) { times[i] = end.end.value; });
      });
    }
    network.run();
    return times;
  });
  ASSERT_EQ(ends.size(), 11u);
  EXPECT_NEAR(ends[0], 1.1, 1e-7);
  for (int i = 1; i <= 10; ++i) EXPECT_NEAR(ends[i], 0.1 * i + 0.02, 1e-7);
}

// The star's switch adds up and copies: 1 GB up from each of two ranks, each over its own cable of
// 1 GB/s and 1 us, and 1 GB down to each. Both ways at once 1 s, in two rounds 2 s.
TEST_P(SharingFidelity, ASwitchThatReducesIsAnEndOfMessages) {
  topologies::Cluster star = testing::example_star({1e-6, 1e-6});
  star.reducers = {0};
  Collective collective = collective_of(2, {{0, 2, base::Bytes(1e9)},
                                            {1, 2, base::Bytes(1e9)},
                                            {2, 0, base::Bytes(1e9)},
                                            {2, 1, base::Bytes(1e9)}});
  const auto ends = [&] {
    return on(star, [&](Network& network) {
      std::vector<double> times;
      network.start(collective, [&](const CollectiveEnd& end) {
        times = {end.end.value, end.rank_end[0].value, end.rank_end[1].value};
      });
      network.run();
      return times;
    });
  };
  for (const double end : ends()) EXPECT_NEAR(end, 1 + 1e-6, 1e-8);
  collective.rounds = {{2, base::Seconds(0)}, {4, base::Seconds(0)}};
  for (const double end : ends()) EXPECT_NEAR(end, 2 + 2e-6, 1e-8);
}

// 0 -> 1 of 10 MB and 2 -> 3 of 1 MB, then 3 -> 2 and 1 -> 0 of 1 MB, 5 us after: 10.002 ms + 5 us
// + 1.002 ms, see RoundsMakespan.ASlowRankDelaysOnlyItsPartners, after 7 us of protocol.
TEST_P(SharingFidelity, RoundsEndAsWorkedByHand) {
  Collective collective = collective_of(4, {{0, 1, base::Bytes(10e6)},
                                            {2, 3, base::Bytes(1e6)},
                                            {3, 2, base::Bytes(1e6)},
                                            {1, 0, base::Bytes(1e6)}});
  collective.rounds = {{2, base::Seconds(0)}, {4, base::Seconds(5e-6)}};
  collective.protocol_latency = base::Seconds(7e-6);
  const topologies::Cluster star = testing::example_star(std::vector<double>(4, 1e-6));
  const std::vector<double> ends = on(star, [&](Network& network) {
    std::vector<double> times;
    network.start(collective, [&](const CollectiveEnd& end) {
      times.push_back(end.end.value);
      for (const base::Seconds rank : end.rank_end) times.push_back(rank.value);
    });
    network.run();
    return times;
  });
  ASSERT_EQ(ends.size(), 5u);
  EXPECT_NEAR(ends[0], 11.016e-3, 1e-8);
  // Message by message, ranks 2 and 3 are done after 7 us + 1.002 + 0.005 + 1.002 ms.
  const double other = GetParam() == Fidelity::flow ? 2.016e-3 : 11.016e-3;
  EXPECT_NEAR(ends[3], other, 1e-8);
  EXPECT_NEAR(ends[4], other, 1e-8);
}

// 1 GB over two ways of 1 GB/s: 0.5 s after 4 us, 0.5 GB over each.
TEST_P(SharingFidelity, ASprayedMessageTakesBothWays) {
  const testing::TwoWays ways = testing::drawn_two_ways();
  const std::vector<double> found = in_child_process([&] {
    topologies::Router router(ways.cluster, {topologies::RoutingPolicy::spray});
    const auto network = make_network(GetParam(), router);
    std::vector<double> numbers(3);
    network->start(collective_of(4, {{0, 1, base::Bytes(1e9)}}),
                   [&](const CollectiveEnd& end) { numbers[0] = end.end.value; });
    network->run();
    for (const LinkUse& use : network->link_use()) {
      for (std::size_t i = 0; i < 2; ++i) {
        if (use.link == ways.uplinks[i]) numbers[1 + i] = use.bytes.value;
      }
    }
    return numbers;
  });
  EXPECT_NEAR(found[0], 0.5 + 4e-6, 1e-8);
  EXPECT_NEAR(found[1], 0.5e9, 1);
  EXPECT_NEAR(found[2], 0.5e9, 1);
}

INSTANTIATE_TEST_SUITE_P(Fidelities, SharingFidelity,
                         ::testing::Values(Fidelity::collective, Fidelity::flow));

}  // namespace
}  // namespace moesim::sim
