// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/point_name.h"

#include <gtest/gtest.h>

#include <vector>

#include "experiments/results/stored_run.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

TEST(PointName, IsWhatStandsBehindTheLastColon) {
  EXPECT_EQ(parse_point_name("runs/a:b:3").path, "runs/a:b");
  EXPECT_EQ(parse_point_name("runs/a:b:3").point, "3");
  for (const char* path : {"runs/a", "runs/a:", ":3"}) {
    EXPECT_EQ(parse_point_name(path).path, path);
    EXPECT_EQ(parse_point_name(path).point, "");
  }
}

TEST(PointName, AColonMayBelongToAPathThatIsThere) {
  const fs::path folder = fs::path(testing::TempDir()) / "a:3";
  fs::create_directories(folder);
  EXPECT_EQ(parse_point_name(folder.string()).path, folder);
  fs::remove_all(folder);
  EXPECT_EQ(parse_point_name(folder.string()).point, "3");
}

TEST(PointName, IsAnIndexOrAnId) {
  std::vector<StoredPoint> points(2);
  points[0].index = 4;
  points[1].index = 7;
  points[1].id = "1f0c";
  EXPECT_EQ(find_point(points, "7"), 1U);
  EXPECT_EQ(find_point(points, "1f0c"), 1U);
  EXPECT_EQ(find_point(points, "4"), 0U);
  EXPECT_EQ(find_point(points, "0"), std::nullopt);
}

}  // namespace
}  // namespace moesim::experiments
