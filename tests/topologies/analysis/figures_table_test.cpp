// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"
#include "topologies/analysis/analysis.h"

namespace moesim::topologies {
namespace {

// What is printed reads back, so that every key has a field and every field a key.
TEST(FiguresTable, ReadsBack) {
  const ClusterFigures figures =
      analyse(build_cluster(testing::example_config(Topology::rail_optimized_fat_tree, 8, 2)));
  const std::string text = base::write_json(figures);
  ClusterFigures read;
  base::ReadReport report;
  base::read_json(base::parse_json(text, "text"), read, report);
  EXPECT_EQ(base::write_json(read), text);
  EXPECT_EQ(read.tiers.size(), 2u);
  EXPECT_EQ(read.bisection->halves_bytes_per_s, figures.bisection->halves_bytes_per_s);
}

}  // namespace
}  // namespace moesim::topologies
