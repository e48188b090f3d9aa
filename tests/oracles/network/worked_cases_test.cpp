// SPDX-License-Identifier: Apache-2.0
// Cases that others get wrong and anyone can check by hand, at every fidelity.
#include "tests/oracles/network/worked_cases.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "sim/collectives/all_gather.h"
#include "sim/collectives/all_reduce.h"
#include "tests/oracles/network/measure.h"

namespace moesim::testing {
namespace {

constexpr sim::Fidelity kFidelities[] = {sim::Fidelity::analytic, sim::Fidelity::collective,
                                         sim::Fidelity::flow};
constexpr double kRounding = 1e-9;
// `flow` delays a message without latency by so much.
constexpr double kLeastDelay_s = 1e-9;

TEST(WorkedCases, EveryFidelitySaysWhatTheHandSays) {
  for (const WorkedCase& c : worked_cases()) {
    for (const sim::Fidelity fidelity : kFidelities) {
      const double time = end_of(fidelity, c.fabric, c.collective);
      EXPECT_NEAR(time, c.expected_s, c.expected_s * kRounding + kLeastDelay_s)
          << c.what << ", fidelity " << static_cast<int>(fidelity);
    }
  }
}

// The published figures, to their digits: 4,922 us; 8.97 ms; 156 us; 66.4 ms.
TEST(WorkedCases, HandAgreesWithThePublishedFigures) {
  const std::vector<WorkedCase> cases = worked_cases();
  EXPECT_NEAR(cases.at(0).expected_s, 4922e-6, 0.5e-6);
  EXPECT_NEAR(cases.at(1).expected_s, 8.97e-3, 0.005e-3);
  EXPECT_NEAR(cases.at(2).expected_s, 156e-6, 0.5e-6);
  EXPECT_NEAR(cases.at(5).expected_s, 66.4e-3, 0.05e-3);
}

// 64 ranks of 64 and of 256: not a bit of difference.
TEST(WorkedCases, AGroupIsTheSameInALargerMachine) {
  const std::vector<WorkedCase> cases = worked_cases();
  for (const sim::Fidelity fidelity : kFidelities) {
    EXPECT_EQ(end_of(fidelity, cases.at(3).fabric, cases.at(3).collective),
              end_of(fidelity, cases.at(4).fabric, cases.at(4).collective));
  }
}

// The same buffer a rank on more ranks: more of it leaves the node, so it never gets faster; and no
// size is free, however odd. Buffers of 1 B (less than a byte a pair) to 256 MiB.
TEST(WorkedCases, MoreRanksAreNeverFasterAndNoSizeIsFree) {
  for (const sim::Fidelity fidelity : {sim::Fidelity::analytic, sim::Fidelity::collective}) {
    for (const double bytes : {1.0, 1023.0, 65'537.0, 1'048'573.0, 256 * kMebibyte}) {
      double fewer_ranks = 0;
      for (const int num_nodes : {8, 16, 32}) {
        const double time = end_of(fidelity, nodes_on_one_switch(num_nodes, 8),
                                   all_to_all_of_buffer(num_nodes * 8, bytes));
        EXPECT_GT(time, fewer_ranks) << bytes << " B, " << num_nodes << " nodes";
        fewer_ranks = time;
      }
    }
  }
}

// Others stop without an answer and exit code 0.
TEST(WorkedCases, RanksThatDisagreeAreNamed) {
  const Fabric fabric = nodes_on_one_switch(1, 4);
  topologies::Router router(fabric.cluster);
  const std::vector<int> ranks = {0, 1, 2, 3};
  const std::vector<base::Bytes> sizes = {base::Bytes(8), base::Bytes(8), base::Bytes(12),
                                          base::Bytes(8)};
  try {
    sim::all_gather(sim::AllGather::ring, router, ranks, sizes);
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find("rank 2"), std::string::npos) << error.what();
  }
  EXPECT_THROW(sim::all_reduce(sim::AllReduce::ring, router, ranks, sizes), base::Error);
}

}  // namespace
}  // namespace moesim::testing
