// SPDX-License-Identifier: Apache-2.0
#include "experiments/report/point_details.h"

#include <gtest/gtest.h>

#include "tests/experiments/report/stored_sample.h"

namespace moesim::experiments {
namespace {

class PointDetailsTest : public StoredSample {
 protected:
  StoredRun read(const std::string& rows) const { return read_run(write_run("run", rows)); }

  // Rows with drop_rate index / 1000, falling or rising.
  static std::string many_rows(int count, bool falling) {
    std::string rows;
    for (int i = 0; i < count; ++i) {
      const int rank = falling ? count - i : i;
      rows += row(i, "1", i, R"(, "drop_rate": )" + std::to_string(rank / 1000.0));
    }
    return rows;
  }
};

std::vector<std::string> names_of(const std::vector<Objective>& objectives) {
  std::vector<std::string> names;
  for (const Objective& objective : objectives) names.push_back(objective.figure);
  return names;
}

TEST_F(PointDetailsTest, ObjectivesWithoutFiguresGiveWayToTheUsualOnes) {
  const StoredRun run = read(row(0, "1", 1, R"(, "drop_rate": 0.1, "mfu": 0.2)"));
  EXPECT_EQ(names_of(shown_objectives(run, {{"mfu", Direction::max}})),
            std::vector<std::string>{"mfu"});
  EXPECT_EQ(names_of(shown_objectives(run, {{"validation_loss", Direction::min}})),
            std::vector<std::string>{"drop_rate"});
  EXPECT_EQ(names_of(shown_objectives(run, {})), std::vector<std::string>{"drop_rate"});
}

TEST_F(PointDetailsTest, TheBestComeFirstAndOfEqualsTheEarlier) {
  const StoredRun run = read(row(0, "1", 1, R"(, "mfu": 0.2)") + row(1, "1", 2, R"(, "mfu": 0.5)") +
                             row(2, "1", 3, "") + row(3, "1", 4, R"(, "mfu": 0.5)"));
  EXPECT_EQ(best_points(run, {"mfu", Direction::max}, 2), (std::vector<std::size_t>{1, 3}));
  EXPECT_EQ(best_points(run, {"mfu", Direction::min}, 9), (std::vector<std::size_t>{0, 1, 3}));
}

TEST_F(PointDetailsTest, AFewPointsAllHaveDetailsButThoseThatFailed) {
  const std::string failed =
      R"({"status": "failed", "reason": "x", "scenario": {"point": "f", "index": 1}})";
  const StoredRun run = read(row(0, "1", 1, "") + failed + "\n" + row(2, "1", 2, ""));
  EXPECT_EQ(detailed_points(run, {}), (std::vector<std::size_t>{0, 2}));
}

// Of 300 points whose drop rate falls with the index the ten with the least are 290 to 299.
TEST_F(PointDetailsTest, OfManyPointsTheTenBestHaveDetails) {
  const std::vector<Objective> objectives = {{"drop_rate", Direction::min}};
  const std::vector<std::size_t> falling = detailed_points(read(many_rows(300, true)), objectives);
  ASSERT_EQ(falling.size(), 10u);
  EXPECT_EQ(falling.front(), 290u);
  EXPECT_EQ(falling.back(), 299u);
  const std::vector<std::size_t> rising = detailed_points(read(many_rows(300, false)), objectives);
  ASSERT_EQ(rising.size(), 10u);
  EXPECT_EQ(rising.back(), 9u);
}

TEST_F(PointDetailsTest, DetailsHaveTheLayersBusiestAndNoFigures) {
  const base::JsonValue row = base::parse_json(
      R"({"drop_rate": 1, "routing_source": "numerics", "warnings": ["w"], "expert_load":)"
      R"( {"cv": 3, "per_layer": [{"max_over_mean": 1.5, "cv": 2}, {"max_over_mean": 1.25}]}})",
      "row");
  EXPECT_EQ(base::to_text(details_of(row), base::JsonStyle::compact),
            R"({"routing_source":"numerics","warnings":["w"],)"
            R"("load_by_layer":{"expert_load":[1.5,1.25]}})");
}

// The seed changes no source, the distribution does: of each distribution one row is read, and a
// point that failed has none.
TEST_F(PointDetailsTest, RoutingSourcesFollowTheSweptRoutingKeys) {
  const auto with = [](int index, const std::string& distribution, const std::string& status) {
    const std::string number = std::to_string(index);
    return R"({"status": ")" + status + R"(", "routing_source": "synthetic, )" + distribution +
           R"(", "scenario": {"point": "p", "index": )" + number +
           R"(, "swept": {"routing.synthetic.distribution": ")" + distribution +
           R"(", "router.seed": )" + number + "}}}\n";
  };
  const StoredRun run = read(with(0, "zipf", "ok") + with(1, "w0", "ok") + with(2, "zipf", "ok") +
                             with(3, "w0", "failed"));
  const std::vector<base::JsonValue> sources = routing_sources(run);
  ASSERT_EQ(sources.size(), 4u);
  EXPECT_EQ(sources[0].text, "synthetic, zipf");
  EXPECT_EQ(sources[1].text, "synthetic, w0");
  EXPECT_EQ(sources[2].text, "synthetic, zipf");
  EXPECT_EQ(sources[3].kind, base::JsonValue::Kind::null);
}

}  // namespace
}  // namespace moesim::experiments
