// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"
#include "topologies/import_export/formats.h"
#include "topologies/import_export/xml_scan.h"

namespace moesim::topologies {
namespace {

using testing::example_config;

// Each route of the file, link by link, is what the Router takes.
TEST(SimgridWriter, WritesTheRoutersRoutes) {
  ClusterConfig config = example_config(Topology::rail_optimized_fat_tree, 8, 2);
  config.ecmp_seed = 11;
  const Cluster cluster = build_cluster(config);
  Router router(cluster, routing_options(config));
  std::vector<std::string> expected;
  for (int source = 0; source < cluster.num_ranks(); ++source) {
    for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
      if (source == destination) continue;
      std::string route = cluster.vertices[cluster.accelerators[source]].name + " " +
                          cluster.vertices[cluster.accelerators[destination]].name;
      for (const int link : router.route(source, destination)) {
        route += " " + cluster.links[link].name;
      }
      expected.push_back(route);
    }
  }
  std::vector<std::string> written;
  scan_xml(to_simgrid_text(cluster, routing_options(config)), "file",
           {[&](const XmlElement& element) {
              if (element.name == "route") {
                written.push_back(*element.find("src") + " " + *element.find("dst"));
                EXPECT_EQ(*element.find("symmetrical"), "NO");
              }
              if (element.name == "link_ctn") written.back() += " " + *element.find("id");
            },
            {}});
  EXPECT_EQ(written, expected);
}

// 0.1 has no finite binary digits; 17 decimal ones tell it from its neighbours.
TEST(SimgridWriter, LinksHaveTheirExactValues) {
  Cluster cluster = build_cluster(example_config(Topology::single_switch, 2, 1));
  cluster.links[0].bandwidth = base::BytesPerSecond(1e9 / 3);
  cluster.links[0].latency = base::Seconds(0.1);
  const std::string text = to_simgrid_text(cluster, {});
  EXPECT_NE(text.find("bandwidth=\"333333333.33333331Bps\" latency=\"0.10000000000000001s\""),
            std::string::npos);
}

TEST(SimgridWriter, RefusesWhatAFileCannotHold) {
  const Cluster large = build_cluster(example_config(Topology::single_switch, 257, 1));
  EXPECT_NE(base::thrown_error([&] { to_simgrid_text(large, {}); }).message().find("257 ranks"),
            std::string::npos);
  const Cluster small = build_cluster(example_config(Topology::single_switch, 2, 1));
  RoutingOptions spray;
  spray.policy = RoutingPolicy::spray;
  EXPECT_NE(base::thrown_error([&] { to_simgrid_text(small, spray); }).message().find("spray"),
            std::string::npos);
}

}  // namespace
}  // namespace moesim::topologies
