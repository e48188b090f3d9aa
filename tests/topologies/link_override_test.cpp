// SPDX-License-Identifier: Apache-2.0
#include "topologies/link_override.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/built_cluster.h"
#include "tests/support/example_cluster.h"

namespace moesim::topologies {
namespace {

TEST(LinkOverride, StarsStandForAnyCharacters) {
  EXPECT_TRUE(matches("leaf0->spine*", "leaf0->spine12"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*nic*->leaf3", "node0/nic3->leaf3"));
  EXPECT_TRUE(matches("a*b*c", "aXbXbc"));
  EXPECT_TRUE(matches("a->b", "a->b"));
  EXPECT_FALSE(matches("leaf0->spine*", "leaf10->spine1"));
  EXPECT_FALSE(matches("a*b*c", "aXbXb"));
  EXPECT_FALSE(matches("", "a"));
  EXPECT_FALSE(matches("a", "ab"));
  EXPECT_FALSE(matches("leaf?->spine", "leaf0->spine"));
}

// gpu0 <-> switch <-> gpu1: four links, of which two leave the switch.
TEST(LinkOverride, ChangesWhatItNamesInTheirOrder) {
  Cluster cluster = testing::example_star({1e-6, 1e-6});
  apply_overrides(cluster, {{"switch->*", base::BytesPerSecond(3e9), {}},
                            {"switch->gpu1", {}, base::Seconds(5e-6)},
                            {"*->gpu1", base::BytesPerSecond(2e9), {}}});
  const auto link = [&](const std::string& name) { return testing::link_named(cluster, name); };
  EXPECT_EQ(link("gpu0->switch").bandwidth.value, 1e9);
  EXPECT_EQ(link("switch->gpu0").bandwidth.value, 3e9);
  EXPECT_EQ(link("switch->gpu0").latency.value, 1e-6);
  EXPECT_EQ(link("switch->gpu1").bandwidth.value, 2e9);
  EXPECT_EQ(link("switch->gpu1").latency.value, 5e-6);
}

TEST(LinkOverride, APatternThatMatchesNothingIsAnErrorWithTheNearestName) {
  Cluster cluster = testing::example_star({0, 0});
  try {
    apply_overrides(cluster, {{"gpu0->*", base::BytesPerSecond(1), {}},
                              {"swich->gpu1", base::BytesPerSecond(1), {}}});
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "/cluster/link_overrides/1/link");
    EXPECT_EQ(error.message(), "no link is called \"swich->gpu1\"");
    EXPECT_EQ(error.hint(), "did you mean \"switch->gpu1\"?");
  }
}

TEST(LinkOverride, MustChangeSomethingToWhatALinkCanHave) {
  const auto where = [](const LinkOverride& override) {
    Cluster cluster = testing::example_star({0, 0});
    try {
      apply_overrides(cluster, {override});
    } catch (const base::Error& error) {
      return error.where();
    }
    return std::string("applied");
  };
  EXPECT_EQ(where({"*", {}, base::Seconds(0)}), "applied");
  EXPECT_EQ(where({"*", {}, {}}), "/cluster/link_overrides/0");
  EXPECT_EQ(where({"*", base::BytesPerSecond(0), {}}), "/cluster/link_overrides/0/bandwidth");
  EXPECT_EQ(where({"*", {}, base::Seconds(-1)}), "/cluster/link_overrides/0/latency");
}

}  // namespace
}  // namespace moesim::topologies
