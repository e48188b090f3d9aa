// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/base/thrown_error.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

base::Error expand_error(const std::string& more) {
  return base::thrown_error([&] { expand(small_document(more)); });
}

TEST(Expand, ADocumentWithoutASweepIsOnePoint) {
  const std::vector<Point> points = expand(small_document());
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].label, "");
  EXPECT_TRUE(points[0].swept.empty());
  EXPECT_EQ(points[0].skip_reason, "");
  EXPECT_EQ(points[0].experiment.scenario.name, "small");
  EXPECT_EQ(points[0].experiment.scenario.point, points[0].id);
  EXPECT_EQ(points[0].id.size(), 12u);
}

// 2 x 3 points; the second key changes with every point.
TEST(Expand, TheLastKeyChangesFastest) {
  const std::vector<Point> points = expand(small_document(
      R"(, "sweep": {"router.seed": [7, 8], "model.num_experts_per_tok": [1, 2, 4]})"));
  ASSERT_EQ(points.size(), 6u);
  std::set<std::string> ids;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const int top_k = 1 << i % 3;
    const std::uint64_t seed = 7 + i / 3;
    EXPECT_EQ(points[i].experiment.scenario.router.seed, seed);
    EXPECT_EQ(points[i].experiment.scenario.model.num_experts_per_tok, top_k);
    EXPECT_EQ(points[i].label, "router.seed=" + std::to_string(seed) +
                                   ",model.num_experts_per_tok=" + std::to_string(top_k));
    EXPECT_EQ(points[i].resolved_config.find("num_experts_per_tok\": ["), std::string::npos);
    ids.insert(points[i].id);
  }
  EXPECT_EQ(ids.size(), 6u);
}

TEST(Expand, TheIdDependsOnTheConfigurationAndNotOnItsWriting) {
  base::JsonValue written = small_document();
  base::set_json(written, "comm.all_to_all=direct");  // the default, written out
  EXPECT_EQ(expand(written)[0].id, expand(small_document())[0].id);
  base::set_json(written, "router.seed=99");
  EXPECT_NE(expand(written)[0].id, expand(small_document())[0].id);
}

TEST(Expand, TheIdIsTheSameWhereverTheTextLies) {
  base::JsonValue here = small_document();
  base::set_json(here,
                 "routing={\"source\": \"numerics\", \"proxy\": {\"text\": \"a/words.txt\"}}");
  base::JsonValue there = here;
  base::set_json(there, "routing.proxy.text=/b/words.txt");
  EXPECT_EQ(expand(here)[0].id, expand(there)[0].id);
  EXPECT_NE(expand(there)[0].resolved_config.find("\"/b/words.txt\""), std::string::npos);
}

TEST(Expand, APointThatCannotBeIsSkippedWithItsPlace) {
  const std::vector<Point> points =
      expand(small_document(", \"sweep\": {\"model.num_experts_per_tok\": [17, 2]}"));
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].skip_reason,
            "small.json:2:43 sweep model.num_experts_per_tok=17  /model/num_experts_per_tok: "
            "a token picks 17 of 16 experts");
  EXPECT_EQ(points[0].experiment.name, "small");
  EXPECT_EQ(points[1].skip_reason, "");
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

}  // namespace
}  // namespace moesim::experiments
