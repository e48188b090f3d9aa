// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/case_collective.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sim/network/network.h"
#include "tests/support/example_cluster.h"

namespace moesim::experiments {
namespace {

// Four ranks on one switch, 1 GB/s and 1 us each way: 2 us from rank to rank.
class CaseCollective : public ::testing::Test {
 protected:
  base::Seconds time(Operation operation, double message_bytes, const std::string& algorithm = {}) {
    MeasuredCase measured;
    measured.id = "case";
    measured.operation = operation;
    measured.algorithm = algorithm;
    measured.message_size = base::Bytes(message_bytes);
    const sim::Group group = sim::group_of(router_.cluster(), {0, 1, 2, 3});
    return sim::floor_of(router_, collective_of(measured, group, nullptr, router_));
  }

  topologies::Router router_{moesim::testing::example_star({1e-6, 1e-6, 1e-6, 1e-6})};
};

// nccl-tests' sizes, S = 4 MB and n = 4: all-to-all and direct all-gather move 3/4 S through each
// port in one step of 2 us, ring all-gather and reduce-scatter the same in 3 steps, ring all-reduce
// 6/4 S in 6, one message S in one.
TEST_F(CaseCollective, SizesAreThoseOfNcclTests) {
  EXPECT_NEAR(time(Operation::all_to_all, 4e6).value, 3e-3 + 2e-6, 1e-9);
  EXPECT_NEAR(time(Operation::all_gather, 4e6).value, 3e-3 + 6e-6, 1e-9);
  EXPECT_NEAR(time(Operation::all_gather, 4e6, "direct").value, 3e-3 + 2e-6, 1e-9);
  EXPECT_NEAR(time(Operation::reduce_scatter, 4e6).value, 3e-3 + 6e-6, 1e-9);
  EXPECT_NEAR(time(Operation::all_reduce, 4e6).value, 6e-3 + 12e-6, 1e-9);
  EXPECT_NEAR(time(Operation::send_recv, 4e6).value, 4e-3 + 2e-6, 1e-9);
}

TEST_F(CaseCollective, AnUnknownAlgorithmIsNamedWithTheKnownOnes) {
  try {
    time(Operation::all_reduce, 4e6, "rings");
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.message(), "unknown algorithm \"rings\"");
    EXPECT_NE(error.hint().find("did you mean \"ring\"?"), std::string::npos) << error.hint();
  }
}

}  // namespace
}  // namespace moesim::experiments
