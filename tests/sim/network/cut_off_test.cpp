// SPDX-License-Identifier: Apache-2.0
#include "sim/network/cut_off.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

const Collective kDispatch = [] {
  Collective collective = testing::collective_of(2, {});
  collective.name = "dispatch L3";
  return collective;
}();

int no_route() { throw base::Error("/cluster", "no route from rank 0 to rank 1", "add a cable"); }

TEST(CutOff, WhatWorksIsHandedOn) {
  EXPECT_EQ(or_cut_off([] { return 5; }, kDispatch, base::Seconds(1), "a fault"), 5);
}

TEST(CutOff, TheVerdictNamesTheEndsTheCollectiveTheTimeAndTheCause) {
  try {
    or_cut_off(no_route, kDispatch, base::Seconds(0.0012345678901), "leaf0->spine1 down");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "/faults");
    EXPECT_EQ(error.message(),
              "the cluster is cut in two: no route from rank 0 to rank 1, which \"dispatch L3\" "
              "needs at 1235 us, after leaf0->spine1 down");
  }
}

// On a cluster that nothing has changed, the fault is the cluster's own.
TEST(CutOff, WithoutAChangeTheErrorStaysAsItIs) {
  try {
    or_cut_off(no_route, kDispatch, base::Seconds(0.5), "");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "/cluster");
    EXPECT_EQ(error.message(), "no route from rank 0 to rank 1");
  }
}

}  // namespace
}  // namespace moesim::sim
