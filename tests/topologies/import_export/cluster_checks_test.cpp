// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/cluster_checks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"

namespace moesim::topologies {
namespace {

Cluster star() {
  Cluster cluster = testing::example_star({0, 0, 0});
  for (int rank = 0; rank < 3; ++rank) cluster.vertices[rank + 1].rank = rank;
  return cluster;
}

void check(const Cluster& cluster) {
  check_cluster(cluster, {"file", [](std::size_t v) { return "vertex " + std::to_string(v); },
                          [](std::size_t l) { return "link " + std::to_string(l); }});
}

struct Case {
  std::function<void(Cluster&)> change;
  const char* where;
  const char* message;
};

TEST(ClusterChecks, PassAStarAndEachFaultIsNamed) {
  check(star());
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Case cases[] = {
      {[](Cluster& c) { c.accelerators.clear(); }, "file", "no accelerator"},
      {[](Cluster& c) { c.num_nodes = 0; }, "file", "0 nodes do not fit"},
      {[](Cluster& c) { c.vertices[1].node = 1; }, "file", "node 0 has no accelerator"},
      {[](Cluster& c) { std::swap(c.accelerators[0], c.accelerators[1]); }, "vertex 1", "rank 0"},
      {[](Cluster& c) { c.accelerators[0] = 99; }, "file", "a rank is no accelerator"},
      {[](Cluster& c) { c.vertices[2].name = "gpu0"; }, "vertex 2", "given twice"},
      {[](Cluster& c) { c.links[3].name = c.links[1].name; }, "link 3", "given twice"},
      {[](Cluster& c) { c.vertices[0].name = std::string(201, 'x'); }, "vertex 0",
       "cannot be a name"},
      {[](Cluster& c) { c.vertices[0].tier = -1; }, "vertex 0", "tier"},
      {[](Cluster& c) { c.vertices[0].rank = 1; }, "vertex 0", "rank 1 is not one it can serve"},
      {[](Cluster& c) { c.links[2].to = 99; }, "link 2", "an end is no vertex"},
      {[](Cluster& c) { c.links[2].to = c.links[2].from; }, "link 2", "both ends are"},
      {[](Cluster& c) { c.links[2].bandwidth.value = 0; }, "link 2", "bandwidth"},
      {[=](Cluster& c) { c.links[2].bandwidth.value = kInfinity; }, "link 2", "bandwidth"},
      {[](Cluster& c) { c.links[2].bandwidth.value = std::nan(""); }, "link 2", "bandwidth"},
      {[](Cluster& c) { c.links[2].latency.value = -1; }, "link 2", "latency"},
      {[](Cluster& c) { c.links.pop_back(); }, "vertex 3", "do not reach each other"},
      {[](Cluster& c) { c.reducers = {1}; }, "file", "reducer 0 is no switch"},
      {[](Cluster& c) {
         c.reducers = {0, 0};
       },
       "file", "not in the order"},
  };
  for (const Case& entry : cases) {
    Cluster cluster = star();
    entry.change(cluster);
    const base::Error error = base::thrown_error([&] { check(cluster); });
    EXPECT_EQ(error.where(), entry.where) << error.what();
    EXPECT_NE(error.message().find(entry.message), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST(ClusterChecks, NamesArePrintable) {
  for (const char* name : {"a", "node0/gpu3", "a->b", "\xc3\xa4 <&>'"}) EXPECT_TRUE(is_name(name));
  for (const char* name : {"", " a", "a ", "a\"b", "a\\b", "a\nb", "\x7f"}) {
    EXPECT_FALSE(is_name(name)) << name;
  }
}

}  // namespace
}  // namespace moesim::topologies
