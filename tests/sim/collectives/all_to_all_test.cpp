// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_to_all.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/named_table.h"
#include "base/rng.h"
#include "sim/collectives/protocol.h"
#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"
#include "tests/support/in_child_process.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using testing::first_ranks;
using testing::lockstep_time;
using topologies::Topology;
using topologies::Transfer;

// Ranks 8, 9 on one node and 16, 17 on the next; local indices 0 and 1 on both.
const Group kGroup{{8, 9, 16, 17}, {0, 1, 0, 1}, {2, {0, 0, 1, 1}}};

// Source 0 sends 3 pairs to each rank of the other node as 2 and 1 distinct tokens, 2 tokens in all
// (one token goes to both); everything else is zero but one row to itself.
DispatchPlan plan_of_one_sender() {
  DispatchPlan plan;
  plan.num_ranks = 4;
  plan.num_nodes = 2;
  plan.num_experts = 4;
  plan.rows = {1, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  plan.rank_copies = {1, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  plan.node_copies = {1, 2, 0, 0, 0, 0, 0, 0};
  return plan;
}

// The messages of each round; all of them are one where there are none.
std::vector<std::vector<Transfer>> by_round(const Collective& collective) {
  std::vector<std::vector<Transfer>> rounds;
  std::size_t begin = 0;
  for (const Round& round : collective.rounds) {
    rounds.emplace_back(collective.transfers.begin() + static_cast<std::ptrdiff_t>(begin),
                        collective.transfers.begin() + static_cast<std::ptrdiff_t>(round.end));
    begin = round.end;
  }
  if (rounds.empty()) rounds.push_back(collective.transfers);
  return rounds;
}

std::vector<std::vector<Transfer>> transposed(std::vector<std::vector<Transfer>> rounds) {
  for (std::vector<Transfer>& round : rounds) {
    for (Transfer& transfer : round) std::swap(transfer.source, transfer.destination);
  }
  std::reverse(rounds.begin(), rounds.end());
  return rounds;
}

TEST(AllToAll, DirectSendsEveryPairStraight) {
  const Collective collective = all_to_all(AllToAll::direct, kGroup, plan_of_one_sender(),
                                           Direction::to_experts, base::Bytes(10));
  EXPECT_EQ(collective.transfers,
            (std::vector<Transfer>{
                {8, 8, base::Bytes(10)}, {8, 16, base::Bytes(30)}, {8, 17, base::Bytes(30)}}));
}

// Message by message, and round by round from the last to the first.
TEST(AllToAll, CombineIsTheTransposeOfDispatch) {
  for (const auto& [algorithm, name] : names_of(AllToAll{})) {
    const DispatchPlan plan = plan_of_one_sender();
    const auto out = all_to_all(algorithm, kGroup, plan, Direction::to_experts, base::Bytes(7));
    const auto back = all_to_all(algorithm, kGroup, plan, Direction::from_experts, base::Bytes(7));
    EXPECT_EQ(back.rounds.size(), out.rounds.size()) << name;
    EXPECT_EQ(by_round(back), transposed(by_round(out))) << name;
  }
}

TEST(AllToAll, LoneRankSendsNothingToOthers) {
  const Group lone{{5}, {5}, {1, {0}}};
  DispatchPlan plan;
  plan.num_ranks = 1;
  plan.num_nodes = 1;
  plan.rows = {4};
  plan.rank_copies = {2};
  plan.node_copies = {2};
  for (const auto& [algorithm, name] : names_of(AllToAll{})) {
    for (const Transfer& transfer :
         all_to_all(algorithm, lone, plan, Direction::to_experts, base::Bytes(1)).transfers) {
      EXPECT_EQ(transfer.source, transfer.destination) << name;
    }
  }
}

// Bytes are all that an algorithm needs to know, but for the one that leaves out copies.
std::vector<std::pair<AllToAll, std::string>> algorithms_of_bytes() {
  std::vector<std::pair<AllToAll, std::string>> list;
  for (const auto& [algorithm, name] : names_of(AllToAll{})) {
    if (algorithm != AllToAll::hierarchical_dedup) list.emplace_back(algorithm, name);
  }
  return list;
}

Collective of_bytes(AllToAll algorithm, const Group& group, const std::vector<Bytes>& bytes) {
  return all_to_all(algorithm, group, bytes, Bytes(1000));
}

// Follows the one block from rank to rank; returns where it ends. Only its holder may send it.
int walk(const Collective& collective, int origin, double bytes) {
  int holder = origin;
  for (const std::vector<Transfer>& round : by_round(collective)) {
    EXPECT_LE(round.size(), 1u);
    for (const Transfer& transfer : round) {
      EXPECT_EQ(transfer.source, holder);
      EXPECT_EQ(transfer.bytes.value, bytes);
      holder = transfer.destination;
    }
  }
  return holder;
}

// One block at a time, from every rank to every other, in groups of all shapes: it arrives, whole.
// That blocks do not disturb each other is the next test.
TEST(AllToAll, EveryBlockArrives) {
  const topologies::Cluster cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 4, 4));
  for (const std::vector<int>& ranks :
       std::vector<std::vector<int>>{{0, 1}, {0, 4, 8}, {0, 1, 2, 5, 9, 10, 15}, first_ranks(16)}) {
    const Group group = group_of(cluster, ranks);
    const std::size_t n = ranks.size();
    for (const auto& [algorithm, name] : algorithms_of_bytes()) {
      for (std::size_t block = 0; block < n * n; ++block) {
        if (block / n == block % n) continue;
        std::vector<Bytes> bytes(n * n);
        bytes[block] = Bytes(12345);
        EXPECT_EQ(walk(of_bytes(algorithm, group, bytes), ranks[block / n], 12345),
                  ranks[block % n])
            << name;
      }
    }
  }
}

// Bytes of each pair of ranks over all rounds: [source, destination]. Whole numbers add up exactly.
std::vector<double> totals(const Collective& collective, int num_ranks) {
  std::vector<double> bytes(static_cast<std::size_t>(num_ranks) * num_ranks);
  for (const Transfer& transfer : collective.transfers) {
    bytes[static_cast<std::size_t>(transfer.source) * num_ranks + transfer.destination] +=
        transfer.bytes.value;
  }
  return bytes;
}

// Messages of a random matrix are the sums of the messages of its blocks alone.
TEST(AllToAll, BlocksAddUp) {
  const topologies::Cluster cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 3, 4));
  const Group group = group_of(cluster, {0, 1, 3, 4, 5, 8, 9, 10, 11});
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    base::Rng rng(seed, "BlocksAddUp");
    std::vector<Bytes> bytes(81);
    for (Bytes& block : bytes) block = Bytes(static_cast<double>(rng.below(3) * rng.below(1000)));
    for (const auto& [algorithm, name] : algorithms_of_bytes()) {
      std::vector<double> sum(144, 0.0);
      for (std::size_t block = 0; block < bytes.size(); ++block) {
        std::vector<Bytes> alone(81);
        alone[block] = bytes[block];
        const std::vector<double> part = totals(of_bytes(algorithm, group, alone), 12);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
      }
      EXPECT_EQ(totals(of_bytes(algorithm, group, bytes), 12), sum) << name << " seed " << seed;
    }
  }
}

// n ranks on a switch with ports of 1 GB/s and hops of 2 us, 1 MB for each pair.
TEST(AllToAll, TakesItsClosedForms) {
  for (const auto& [n, log] :
       {std::pair(2, 1), std::pair(4, 2), std::pair(8, 3), std::pair(16, 4)}) {
    topologies::Router router(testing::example_star(std::vector<double>(n, 1e-6)));
    const Group group = group_of(router.cluster(), first_ranks(n));
    const std::vector<Bytes> bytes(static_cast<std::size_t>(n) * n, Bytes(1e6));
    const double alpha = 2e-6;
    const double block = 1e-3;
    for (const auto& [algorithm, expected] : std::vector<std::pair<AllToAll, double>>{
             {AllToAll::direct, alpha + (n - 1) * block},
             {AllToAll::low_latency, alpha + (n - 1) * block},
             {AllToAll::pairwise, (n - 1) * (alpha + block)},
             {AllToAll::ring, (n - 1) * alpha + n * (n - 1) / 2.0 * block},
             {AllToAll::bruck, log * (alpha + n / 2.0 * block)},
             {AllToAll::hierarchical, alpha + (n - 1) * block}}) {
      EXPECT_NEAR(lockstep_time(router, of_bytes(algorithm, group, bytes)), expected,
                  expected * 1e-12)
          << base::name_in_words(algorithm) << " " << n;
    }
  }
}

// What fidelity flow says, message by message, of 8 ranks: the same, as no rank waits for another.
// Every message is late by less than 2 ns.
TEST(AllToAll, FlowTakesTheClosedFormsToo) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(8, 1e-6));
  const std::vector<Bytes> bytes(64, Bytes(1e6));
  for (const auto& [algorithm, name] : algorithms_of_bytes()) {
    const std::vector<double> times = testing::in_child_process([&, id = algorithm] {
      topologies::Router router(star);
      const Collective collective = of_bytes(id, group_of(star, first_ranks(8)), bytes);
      const auto network = make_network(Fidelity::flow, router);
      double end = 0;
      network->start(collective, [&end](const CollectiveEnd& at) { end = at.end.value; });
      network->run();
      return std::vector<double>{end, lockstep_time(router, collective)};
    });
    EXPECT_NEAR(times[0], times[1], 20e-9) << name;
  }
}

// ceil(log2 n) rounds for any n.
TEST(AllToAll, BruckHasLogarithmicallyManyRounds) {
  for (const auto& [n, rounds] : {std::pair(3, 2), std::pair(5, 3), std::pair(9, 4)}) {
    const auto cluster = testing::example_star(std::vector<double>(n, 1e-6));
    const std::vector<Bytes> bytes(static_cast<std::size_t>(n) * n, Bytes(1));
    EXPECT_EQ(of_bytes(AllToAll::bruck, group_of(cluster, first_ranks(n)), bytes).rounds.size(),
              static_cast<std::size_t>(rounds));
  }
}

// 256 MiB a rank among 64 ranks with ports of 50 GiB/s: 63/64 of 5 ms. Of a Zipf's most popular
// rank 1 / (1 + 1/2 + ... + 1/64) = 0.2108 of everyone's 256 MiB arrive at one port.
TEST(AllToAll, TheHotReceiversPortSetsTheTime) {
  topologies::Cluster star = testing::example_star(std::vector<double>(64, 0.0));
  for (auto& link : star.links) link.bandwidth = base::BytesPerSecond(50.0 * (1 << 30));
  topologies::Router router(star);
  const Group group = group_of(star, first_ranks(64));
  const double size = 256.0 * (1 << 20);
  const std::vector<Bytes> uniform(64 * 64, Bytes(size / 64));
  EXPECT_NEAR(lockstep_time(router, of_bytes(AllToAll::direct, group, uniform)), 4921.875e-6,
              1e-12);
  double harmonic = 0;
  for (int k = 1; k <= 64; ++k) harmonic += 1.0 / k;
  std::vector<Bytes> zipf;
  for (int i = 0; i < 64 * 64; ++i) zipf.emplace_back(size / harmonic / (i % 64 + 1));
  EXPECT_NEAR(lockstep_time(router, of_bytes(AllToAll::direct, group, zipf)), 66.4e-3, 0.05e-3);
}

// The same group of 64 on 64 and on 256 ranks.
TEST(AllToAll, IsTheSameInsideAMachineFourTimesLarger) {
  base::Rng rng(1, "IsTheSameInside");
  std::vector<Bytes> bytes;
  for (int i = 0; i < 64 * 64; ++i) bytes.emplace_back(static_cast<double>(rng.below(1000000)));
  for (const auto& [algorithm, name] : algorithms_of_bytes()) {
    std::vector<double> times;
    for (const int nodes : {8, 32}) {
      topologies::Router router(
          topologies::build_cluster(testing::example_config(Topology::single_switch, nodes, 8)));
      const Group group = group_of(router.cluster(), first_ranks(64));
      times.push_back(lockstep_time(router, of_bytes(algorithm, group, bytes)));
    }
    EXPECT_EQ(times[0], times[1]) << name;
    EXPECT_GT(times[0], 0) << name;
  }
}

// A row is a message: 3 rows to each of two ranks are 6 messages of the sender, 4 us each.
TEST(AllToAll, LowLatencyPaysForEveryRow) {
  topologies::Router router(
      topologies::build_cluster(testing::example_config(Topology::single_switch, 18, 1)));
  Protocol protocol;
  protocol.message_latency = base::Seconds(4e-6);
  const auto latency = [&](AllToAll algorithm, Direction direction) {
    const Collective collective =
        all_to_all(algorithm, kGroup, plan_of_one_sender(), direction, Bytes(10));
    return with_protocol(collective, protocol, router).protocol_latency.value;
  };
  EXPECT_NEAR(latency(AllToAll::low_latency, Direction::to_experts), 24e-6, 1e-15);
  EXPECT_NEAR(latency(AllToAll::low_latency, Direction::from_experts), 12e-6, 1e-15);
  EXPECT_NEAR(latency(AllToAll::direct, Direction::to_experts), 8e-6, 1e-15);
  EXPECT_EQ(of_bytes(AllToAll::low_latency, group_of(router.cluster(), {0, 1}),
                     {Bytes(0), Bytes(2001), Bytes(500), Bytes(0)})
                .messages,
            (std::vector<std::int64_t>{3, 1}));
}

TEST(AllToAll, AMatrixOfTheWrongShapeIsAnError) {
  const auto cluster = testing::example_star({1e-6, 1e-6, 1e-6});
  const Group group = group_of(cluster, first_ranks(3));
  const auto error_of = [&](AllToAll algorithm, const std::vector<Bytes>& bytes, Bytes message) {
    return base::thrown_error([&] { (void)all_to_all(algorithm, group, bytes, message); });
  };
  EXPECT_EQ(error_of(AllToAll::direct, std::vector<Bytes>(6), {}).message(),
            "6 entries of bytes for 3 ranks");
  std::vector<Bytes> negative(9);
  negative[5] = Bytes(-1);
  EXPECT_EQ(error_of(AllToAll::direct, negative, {}).message(),
            "rank 1 sends rank 2 what is no number of bytes");
  EXPECT_NE(error_of(AllToAll::hierarchical_dedup, std::vector<Bytes>(9), {})
                .hint()
                .find("use hierarchical"),
            std::string::npos);
  EXPECT_EQ(error_of(AllToAll::low_latency, std::vector<Bytes>(9), {}).message(),
            "low_latency sends messages of one size, and none is given");
}

// bf16: 2 x 7168. fp8: 7168 values and a 4-byte scale for each of 56 blocks of 128 = 7392.
TEST(AllToAll, RowBytesOfDeepSeekV3) {
  EXPECT_EQ(row_bytes(WireType::bf16, 7168).value, 14336);
  EXPECT_EQ(row_bytes(WireType::fp8, 7168).value, 7392);
  EXPECT_EQ(row_bytes(WireType::fp8, 129).value, 129 + 8);
}

}  // namespace
}  // namespace moesim::sim
