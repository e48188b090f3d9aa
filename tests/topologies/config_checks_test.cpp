// SPDX-License-Identifier: Apache-2.0
#include "topologies/config_checks.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace moesim::topologies {
namespace {

TEST(ConfigChecks, QuantitiesThatNoLinkHasAreErrorsAtTheirPlace) {
  EXPECT_NO_THROW(require_bandwidth(base::BytesPerSecond(1), "/a"));
  EXPECT_THROW(require_bandwidth(base::BytesPerSecond(0), "/a"), base::Error);
  EXPECT_THROW(
      require_bandwidth(base::BytesPerSecond(std::numeric_limits<double>::infinity()), "/a"),
      base::Error);
  EXPECT_NO_THROW(require_latency(base::Seconds(0), "/a"));
  EXPECT_THROW(require_latency(base::Seconds(-1), "/a"), base::Error);
  try {
    require(false, "/cluster/x", "wrong", "mend it");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "/cluster/x");
    EXPECT_EQ(error.message(), "wrong");
    EXPECT_EQ(error.hint(), "mend it");
  }
}

TEST(ConfigChecks, NearestSizesAreThoseOnEitherSide) {
  const std::vector<int> sizes = {1, 2, 4, 8};
  EXPECT_EQ(nearest_of(sizes, 3), "2 or 4");
  EXPECT_EQ(nearest_of(sizes, 4), "4");
  EXPECT_EQ(nearest_of(sizes, 0), "1");
  EXPECT_EQ(nearest_of(sizes, 9), "8");
}

TEST(ConfigChecks, ProductsStopAtTheirLimit) {
  EXPECT_EQ(bounded_product({2, 3, 4}, 100), 24);
  EXPECT_EQ(bounded_product({2, 0, 4}, 100), 0);
  EXPECT_EQ(bounded_product({1 << 30, 1 << 30, 1 << 30}, 65536), 65537);
  EXPECT_EQ(bounded_product({}, 5), 1);
}

}  // namespace
}  // namespace moesim::topologies
