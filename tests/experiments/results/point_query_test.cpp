// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/point_query.h"

#include <algorithm>
#include <cmath>

#include "tests/base/thrown_error.h"
#include "tests/experiments/results/stored_rows.h"

namespace moesim::experiments {
namespace {

// Seeds 1 and 2 under two capacity factors, with step times 4, 2, 3 and 3; then one that failed.
class PointQueryTest : public StoredRows {
 protected:
  PointQueryTest() {
    std::string failed = row(4, 3, "1.5", "");
    failed.replace(failed.find("\"ok\""), 4, "\"failed\"");
    failed.replace(failed.find("\"\""), 2, "\"no room\"");
    write("results.ndjson", row(0, 1, "1.5", ",\"step_time_s\":4,\"mfu\":0.25") +
                                row(1, 1, "null", ",\"step_time_s\":2,\"mfu\":0.5") +
                                row(2, 2, "1.5", ",\"step_time_s\":3,\"mfu\":0.375") +
                                row(3, 2, "null", ",\"step_time_s\":3,\"mfu\":0.75") + failed);
    run_ = read_run(folder_);
  }

  // Rows as text: cells with a blank between them, "-" for null.
  static std::vector<std::string> lines(const QueryTable& table) {
    std::vector<std::string> lines;
    for (const TableRow& row : table.rows) {
      std::string line;
      for (const Cell& cell : row) {
        line += (line.empty() ? "" : " ") + (cell.kind == Cell::Kind::null ? "-" : cell.text);
      }
      lines.push_back(line);
    }
    return lines;
  }
  std::string place_of_error(const PointQuery& query) const {
    return base::thrown_error([&] { query_points(run_, query); }).where();
  }

  StoredRun run_;
};

using Lines = std::vector<std::string>;

TEST_F(PointQueryTest, TheFastestPointsComeFirstAndThoseWithoutATimeLast) {
  const QueryTable table = query_points(run_, {});
  EXPECT_EQ(table.headers, (Lines{"index", "router.seed", "router.capacity_factor", "step_time_s",
                                  "mfu", "status", "reason"}));
  EXPECT_EQ(lines(table), (Lines{"1 1 - 2 0.5 ok ", "2 2 1.5 3 0.375 ok ", "3 2 - 3 0.75 ok ",
                                 "0 1 1.5 4 0.25 ok ", "4 3 1.5 - - failed no room"}));
}

TEST_F(PointQueryTest, DescendingLeavesThoseWithoutATimeLast) {
  PointQuery query;
  query.descending = true;
  query.limit = 2;
  const QueryTable table = query_points(run_, query);
  EXPECT_EQ(lines(table), (Lines{"0 1 1.5 4 0.25 ok ", "2 2 1.5 3 0.375 ok "}));
  EXPECT_EQ(table.num_found, 5u);
  query.limit = 0;
  EXPECT_EQ(lines(query_points(run_, query)).back(), "4 3 1.5 - - failed no room");
}

TEST_F(PointQueryTest, ConditionsTakeNumbersByTheirValue) {
  PointQuery query;
  query.status = "ok";
  query.where = {"router.capacity_factor=1.50", "router.seed=2"};
  EXPECT_EQ(lines(query_points(run_, query)), Lines{"2 2 1.5 3 0.375"});
  query.where = {"router.capacity_factor=null"};
  query.sort = "router.seed";
  query.columns = {"mfu"};
  EXPECT_EQ(lines(query_points(run_, query)), (Lines{"1 1 - 0.5", "3 2 - 0.75"}));
}

// Factor 1.5 has times 4 and 3: mean 3.5, s = sqrt(0.5), half width 12.7062 * sqrt(0.5 / 2)
// = 6.3531. Without a factor they are 2 and 3: mean 2.5 and the same half width.
TEST_F(PointQueryTest, MeansOverAnAxisSayHowSureTheyAre) {
  PointQuery query;
  query.over = {"router.seed"};
  query.columns = {"step_time_s"};
  const QueryTable table = query_points(run_, query);
  EXPECT_EQ(table.headers,
            (Lines{"router.capacity_factor", "count", "step_time_s", "step_time_s_ci95"}));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(lines(table)[0].substr(0, 12), "- 2 2.5 6.35");
  EXPECT_EQ(lines(table)[1].substr(0, 14), "1.5 2 3.5 6.35");
}

// One of the two points of factor 1.5 has no time: the other's is not their mean.
TEST_F(PointQueryTest, AMeanNeedsTheFigureOfEveryPoint) {
  for (StoredPoint& point : run_.points) {
    if (point.index == 0) std::fill(point.figures.begin(), point.figures.end(), std::nan(""));
  }
  PointQuery query;
  query.over = {"router.seed"};
  query.columns = {"step_time_s"};
  const Lines found = lines(query_points(run_, query));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1], "1.5 2 - -");
}

// Points of several factors are no repetitions: seed 2 has times 3 and 3 (factors 1.5 and none),
// seed 1 has 4 and 2.
TEST_F(PointQueryTest, MeansOverWhatIsNoSeedHaveASpreadAndNoInterval) {
  PointQuery query;
  query.over = {"router.capacity_factor"};
  query.columns = {"step_time_s"};
  const QueryTable table = query_points(run_, query);
  EXPECT_EQ(table.headers,
            (Lines{"router.seed", "count", "step_time_s", "step_time_s_min", "step_time_s_max"}));
  EXPECT_EQ(lines(table), (Lines{"1 2 3 2 4", "2 2 3 3 3"}));
  query.over = {"router.capacity_factor", "router.seed"};
  EXPECT_EQ(lines(query_points(run_, query)), Lines{"4 3 2 4"});
}

TEST_F(PointQueryTest, NamesThatAreNotThereAreErrorsAtTheirFlags) {
  PointQuery query;
  query.columns = {"mfv"};
  EXPECT_EQ(place_of_error(query), "--columns");
  EXPECT_EQ(base::thrown_error([&] { query_points(run_, query); }).hint(), "did you mean \"mfu\"?");
  query = {};
  query.sort = "time";
  EXPECT_EQ(place_of_error(query), "--sort");
  query = {};
  query.over = {"router.sed"};
  EXPECT_EQ(place_of_error(query), "--over");
  for (const char* condition : {"router.seed", "router.sed=1", "=1"}) {
    query = {};
    query.where = {condition};
    EXPECT_EQ(place_of_error(query), "--where") << condition;
  }
}

TEST_F(PointQueryTest, ARunWithoutFiguresIsShownInItsOrder) {
  write("results.ndjson", row(0, 1, "1", "") + row(1, 2, "1", ""));
  EXPECT_EQ(lines(query_points(read_run(folder_), {})), (Lines{"0 1 1", "1 2 1"}));
}

}  // namespace
}  // namespace moesim::experiments
