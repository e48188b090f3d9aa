// SPDX-License-Identifier: Apache-2.0
#include "sim/network/longest_time.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/base/thrown_error.h"

namespace moesim::sim {
namespace {

TEST(LongestTime, WhatNoMachineTakesIsRefused) {
  EXPECT_NO_THROW(require_plausible_time(kLongestTime));
  const base::Error error =
      base::thrown_error([] { require_plausible_time(base::Seconds(2.5e9)); });
  EXPECT_EQ(error.where(), "/cluster");
  EXPECT_EQ(error.message(), "simulated time would reach 2.5e+09 s, and 1e+09 s is the most");
  for (const double none :
       {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(require_plausible_time(base::Seconds(none)), base::Error);
  }
}

}  // namespace
}  // namespace moesim::sim
