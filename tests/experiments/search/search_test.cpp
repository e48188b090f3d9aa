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

// fp8 halves what goes over the network; a bound on bytes that only bf16 breaks leaves fp8.
TEST_F(SearchTest, KeepsToConstraints) {
  const std::string worst = R"(, "objectives": {"tokens_per_s_per_gpu": "min"},)"
                            R"( "constraints": {"step_time_s": {"max": 1e-9}})";
  const SearchOutcome outcome = search(expand(small_document(kTen + worst)), options());
  EXPECT_FALSE(outcome.found.front().is_feasible);
}

TEST_F(SearchTest, OnePointIsNoChoice) {
  const base::Error error =
      base::thrown_error([&] { search(expand(small_document()), options()); });
  EXPECT_EQ(error.where(), "sweep");
}

TEST_F(SearchTest, WhereNoPointRunsTheFirstReasonIsNamed) {
  const std::string sweep = R"(, "sweep": {"model.num_experts_per_tok": [17, 18]})";
  const base::Error error =
      base::thrown_error([&] { search(expand(small_document(sweep)), options()); });
  EXPECT_NE(std::string(error.what()).find("num_experts_per_tok"), std::string::npos);
}

}  // namespace
}  // namespace moesim::experiments
