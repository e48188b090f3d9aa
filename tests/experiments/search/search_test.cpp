// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/search.h"

#include <gtest/gtest.h>

#include <fstream>

#include "experiments/results/stored_run.h"
#include "tests/base/thrown_error.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

// Ten configurations of 16 ranks.
const std::string kTen = R"(, "sweep": {"routing.synthetic.distribution":)"
                         R"( ["w0_balanced", "w1_power_law", "w2_hot_expert",)"
                         R"( "w3_spread_hot_experts", "w4_ragged_source"],)"
                         R"( "training.dispatch_dtype": ["bf16", "fp8"]})";

class SearchTest : public testing::Test {
 protected:
  SearchTest() {
    fs::create_directories(root_);
    std::ofstream(root_ / "input.json") << "{}\n";
  }
  ~SearchTest() override { fs::remove_all(root_); }

  SearchOptions options() const {
    SearchOptions options;
    options.experiment_file = root_ / "input.json";
    options.output = root_ / "runs";
    options.command = "moesim";
    options.runner.poll_milliseconds = 5;
    return options;
  }

  const fs::path root_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(SearchTest, FindsTheGridsBestWithAFifthOfIt) {
  const Sweep sweep = expand(small_document(kTen));
  SearchOptions with_check = options();
  with_check.check = true;
  const SearchOutcome outcome = search(sweep, with_check);
  EXPECT_EQ(outcome.full.points, 2u);
  ASSERT_EQ(outcome.screens.size(), 1u);
  EXPECT_EQ(outcome.screens[0].points, 10u);
  ASSERT_TRUE(outcome.check);
  EXPECT_FALSE(outcome.check->has_missed());
  // By brute force, from the grid's rows.
  const StoredRun grid = read_run(outcome.full.folder);
  ASSERT_EQ(grid.points.size(), 10u);
  double most = 0;
  for (const StoredPoint& point : grid.points) {
    most = std::max(most, grid.figure(point, "tokens_per_s_per_gpu"));
  }
  EXPECT_EQ(outcome.found.front().figures[0].mean, most);
  EXPECT_TRUE(fs::exists(outcome.full.folder / "search.json"));
}

TEST_F(SearchTest, GoesOnWhereAnEarlierOneStopped) {
  const Sweep sweep = expand(small_document(kTen));
  const SearchOutcome first = search(sweep, options());
  const SearchOutcome second = search(sweep, options());
  EXPECT_EQ(second.full.folder, first.full.folder);
  EXPECT_EQ(second.screens[0].there, 10u);
  EXPECT_EQ(second.full.there, second.full.points);
  EXPECT_EQ(second.found.front().candidate, first.found.front().candidate);
  SearchOptions anew = options();
  anew.fresh = true;
  EXPECT_EQ(search(sweep, anew).screens[0].there, 0u);
}

TEST_F(SearchTest, AnInterruptEndsItBetweenPoints) {
  volatile std::sig_atomic_t interrupted = 1;
  SearchOptions stopped = options();
  stopped.runner.interrupted = &interrupted;
  const SearchOutcome outcome = search(expand(small_document(kTen)), stopped);
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_TRUE(outcome.found.empty());
}

// Skewed distributions load some rank more than 1.2 times the mean; the bound leaves the others.
TEST_F(SearchTest, KeepsToConstraints) {
  const std::string bound = R"(, "constraints": {"rank_load.max_over_mean": {"max": 1.2}})";
  SearchOptions with_check = options();
  with_check.check = true;
  const SearchOutcome outcome = search(expand(small_document(kTen + bound)), with_check);
  EXPECT_TRUE(outcome.found.front().is_feasible);
  const StoredRun grid = read_run(outcome.full.folder);
  double most = 0;
  std::size_t kept = 0;
  for (const StoredPoint& point : grid.points) {
    if (grid.figure(point, "rank_load.max_over_mean") > 1.2) continue;
    ++kept;
    most = std::max(most, grid.figure(point, "tokens_per_s_per_gpu"));
  }
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, 10u);
  EXPECT_EQ(outcome.found.front().figures[0].mean, most);
}

TEST_F(SearchTest, SaysWhereNothingKeepsToThem) {
  const std::string bound = R"(, "constraints": {"step_time_s": {"max": 1e-9}})";
  const SearchOutcome outcome = search(expand(small_document(kTen + bound)), options());
  EXPECT_FALSE(outcome.found.front().is_feasible);
}

// 0.67 x 6 = 4 points: all seeds of one finalist and an entrant of the other configuration.
TEST_F(SearchTest, TheBestHasAllItsSeeds) {
  const std::string seeds = R"(, "sweep": {"training.dispatch_dtype": ["bf16", "fp8"],)"
                            R"( "router.seed": [1, 2, 3]})";
  SearchOptions half = options();
  half.budget = 0.67;
  const SearchOutcome outcome = search(expand(small_document(seeds)), half);
  EXPECT_EQ(outcome.full.points, 4u);
  EXPECT_EQ(outcome.found.front().points.size(), 3u);
  EXPECT_TRUE(outcome.found.front().is_final);
  EXPECT_FALSE(outcome.found.back().is_final);
}

TEST_F(SearchTest, ACheckedGridIsComplete) {
  SearchOptions with_check = options();
  with_check.check = true;
  const std::string sweep =
      R"(, "sweep": {"training.dispatch_dtype": ["bf16", "fp8"], "router.capacity_factor": [1, 2],)"
      R"( "exclude": [{"where": {"router.capacity_factor": 2}, "reason": "known"}]})";
  const SearchOutcome outcome = search(expand(small_document(sweep)), with_check);
  EXPECT_EQ(read_run(outcome.full.folder).status, "complete");
  EXPECT_TRUE(fs::exists(outcome.full.folder.parent_path() / "latest"));
}

TEST_F(SearchTest, AFigureThatNoPointHasIsAnErrorWhereItIsNamed) {
  const std::string bound = R"(, "constraints": {"validation_loss": {"max": 3}})";
  const base::Error error =
      base::thrown_error([&] { search(expand(small_document(kTen + bound)), options()); });
  EXPECT_NE(error.where().find("/constraints/validation_loss"), std::string::npos);
}

TEST_F(SearchTest, OnePointIsNoChoice) {
  const base::Error error =
      base::thrown_error([&] { search(expand(small_document()), options()); });
  EXPECT_EQ(error.where(), "sweep");
  const std::string seeds = R"(, "sweep": {"router.seed": [1, 2, 3]})";
  const base::Error of_seeds =
      base::thrown_error([&] { search(expand(small_document(seeds)), options()); });
  EXPECT_EQ(of_seeds.where(), "small.json:2:12  /sweep");
}

TEST_F(SearchTest, WhereNoPointRunsTheFirstReasonIsNamed) {
  const std::string sweep = R"(, "sweep": {"model.num_experts_per_tok": [17, 18]})";
  const base::Error error =
      base::thrown_error([&] { search(expand(small_document(sweep)), options()); });
  EXPECT_NE(std::string(error.what()).find("num_experts_per_tok"), std::string::npos);
}

}  // namespace
}  // namespace moesim::experiments
