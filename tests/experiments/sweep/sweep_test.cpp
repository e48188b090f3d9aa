// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/sweep.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/base/thrown_error.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

base::Error expand_error(const std::string& more) {
  return base::thrown_error([&] { expand(small_document(more)); });
}

TEST(Expand, ADocumentWithoutASweepIsOnePoint) {
  const Sweep sweep = expand(small_document());
  ASSERT_TRUE(sweep.is_lone());
  EXPECT_EQ(sweep.name, "small");
  const Point& point = sweep.points[0];
  EXPECT_EQ(point.label, "");
  EXPECT_TRUE(point.swept.empty());
  EXPECT_EQ(point.id.size(), 12u);
  const ReadPoint read = read_point(sweep, point);
  EXPECT_EQ(read.experiment.scenario.name, "small");
  EXPECT_EQ(read.experiment.scenario.point, point.id);
}

// 2 x 3 points; the second key changes with every point.
TEST(Expand, TheLastKeyChangesFastest) {
  const Sweep sweep = expand(small_document(
      R"(, "sweep": {"router.seed": [7, 8], "model.num_experts_per_tok": [1, 2, 4]})"));
  ASSERT_EQ(sweep.points.size(), 6u);
  EXPECT_EQ(sweep.axes, (std::vector<std::string>{"router.seed", "model.num_experts_per_tok"}));
  std::set<std::string> ids;
  for (std::size_t i = 0; i < sweep.points.size(); ++i) {
    const int top_k = 1 << i % 3;
    const std::uint64_t seed = 7 + i / 3;
    const Point& point = sweep.points[i];
    const ReadPoint read = read_point(sweep, point);
    EXPECT_EQ(point.index, i);
    EXPECT_EQ(read.experiment.scenario.router.seed, seed);
    EXPECT_EQ(read.experiment.scenario.model.num_experts_per_tok, top_k);
    EXPECT_EQ(point.label, "router.seed=" + std::to_string(seed) +
                               ",model.num_experts_per_tok=" + std::to_string(top_k));
    EXPECT_EQ(read.resolved_config.find("num_experts_per_tok\": ["), std::string::npos);
    ids.insert(point.id);
  }
  EXPECT_EQ(ids.size(), 6u);
}

TEST(Expand, ResolvedConfigurationsNameFilesByAbsolutePaths) {
  base::JsonValue document = small_document();
  base::set_json(
      document, "routing={\"source\": \"numerics\", \"proxy\": {\"text\": \"/b/../b/words.txt\"}}");
  const Sweep sweep = expand(document);
  const std::string resolved = read_point(sweep, sweep.points[0]).resolved_config;
  EXPECT_NE(resolved.find("\"/b/words.txt\""), std::string::npos);
}

TEST(Expand, APointThatCannotBeSaysSoWhenItIsRead) {
  const Sweep sweep =
      expand(small_document(", \"sweep\": {\"model.num_experts_per_tok\": [17, 2]}"));
  ASSERT_EQ(sweep.points.size(), 2u);
  EXPECT_EQ(sweep.name, "small");
  const base::Error error = base::thrown_error([&] { read_point(sweep, sweep.points[0]); });
  EXPECT_EQ(error.where(),
            "small.json:2:43 sweep model.num_experts_per_tok=17  /model/num_experts_per_tok");
  EXPECT_EQ(error.message(), "a token picks 17 of 16 experts");
  EXPECT_NO_THROW(read_point(sweep, sweep.points[1]));
}

TEST(Expand, APointLeftOutSaysWhyWhenItIsRead) {
  const Sweep sweep = expand(small_document(
      R"(, "sweep": {"router.seed": [1, 2], "exclude": [{"where": {"router.seed": 1},)"
      R"( "reason": "known"}]})"));
  ASSERT_EQ(sweep.points.size(), 2u);
  EXPECT_EQ(sweep.points[0].excluded, "known");
  EXPECT_EQ(base::thrown_error([&] { read_point(sweep, sweep.points[0]); }).message(), "known");
  EXPECT_NO_THROW(read_point(sweep, sweep.points[1]));
}

TEST(Expand, WhereNoPointCanBeTheFirstErrorIsThrown) {
  const base::Error error = expand_error(", \"sweep\": {\"router.seed\": [\"one\", \"two\"]}");
  EXPECT_EQ(error.where(), "small.json:2:29 sweep router.seed=\"one\"  /router/seed");
  EXPECT_EQ(error.message(), "expected an integer, found the string \"one\"");
}

TEST(Expand, ChecksAcrossFieldsNameLineAndColumn) {
  const base::Error error = expand_error(", \"parallel\": {\"ep\": 12}");
  EXPECT_EQ(error.where(), "small.json:2:22  /parallel/ep");
  EXPECT_EQ(error.hint(), "use 8 or 16");
}

// A file counts by its content (identity.h): two names of one are one point, run twice.
TEST(Expand, TwoNamesOfOneFileAreNotTwoPoints) {
  const std::string table = (std::filesystem::path(testing::TempDir()) / "one_table.json").string();
  std::ofstream(table) << "{}";
  const base::Error error =
      expand_error(R"(, "sweep": {"cluster.node.accelerator.cost_table": [")" + table + R"(", ")" +
                   testing::TempDir() + R"(/./one_table.json"]})");
  EXPECT_EQ(error.where(), "/sweep");
  EXPECT_NE(error.message().find("are one point"), std::string::npos) << error.message();
}

TEST(Expand, MalformedSweepsAreErrors) {
  EXPECT_EQ(expand_error(", \"sweep\": []").where(), "small.json:2:12  /sweep");
  EXPECT_EQ(expand_error(", \"sweep\": {\"router.seed\": []}").where(),
            "small.json:2:13  /sweep/router.seed");
  EXPECT_EQ(expand_error(", \"sweep\": {\"router.seed\": 1}").message(),
            "expected a list of at least one value");
}

// 47 x 47 x 47 = 103,823 is the first cube above 100,000; 46 x 46 x 46 = 97,336 would pass.
TEST(Expand, MoreThanAHundredThousandPointsAreRefused) {
  std::string list = "[0";
  for (int value = 1; value < 47; ++value) list += "," + std::to_string(value);
  list += "]";
  const base::Error error = expand_error(", \"sweep\": {\"router.seed\": " + list +
                                         ", \"a\": " + list + ", \"b\": " + list + "}");
  EXPECT_EQ(error.message(), "the sweep has more than 100,000 points");
  EXPECT_TRUE(error.where().ends_with("  /sweep/b")) << error.where();
}

TEST(Expand, PointsHaveFoldersUpToAThousandOrAsTheFileSays) {
  const auto has_folders = [](int num_points, const std::string& outputs) {
    std::string seeds = "0";
    for (int seed = 1; seed < num_points; ++seed) seeds += "," + std::to_string(seed);
    return expand(small_document(outputs + ", \"sweep\": {\"router.seed\": [" + seeds + "]}"))
        .has_point_folders;
  };
  EXPECT_TRUE(has_folders(1000, ""));
  EXPECT_FALSE(has_folders(1001, ""));
  EXPECT_TRUE(has_folders(1001, ", \"outputs\": {\"points\": \"all\"}"));
  EXPECT_FALSE(has_folders(2, ", \"outputs\": {\"points\": \"none\"}"));
}

}  // namespace
}  // namespace moesim::experiments
