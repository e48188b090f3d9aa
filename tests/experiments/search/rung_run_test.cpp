// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/rung_run.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;
using Indices = std::vector<std::size_t>;

class RungRunTest : public testing::Test {
 protected:
  RungRunTest() {
    fs::create_directories(root_);
    std::ofstream(root_ / "input.json") << "{}\n";
    options_.poll_milliseconds = 5;
  }
  ~RungRunTest() override { fs::remove_all(root_); }
  RungPlace place() const { return {root_ / "runs", root_ / "input.json", "moesim"}; }

  const fs::path root_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  const Sweep sweep_ =
      expand(small_document(R"(, "sweep": {"router.capacity_factor": [1, 1.5, 2]})"));
  RunnerOptions options_;
};

TEST_F(RungRunTest, RunsTheWantedPointsAndNoneTwice) {
  RungRun run(sweep_, place());
  EXPECT_FALSE(run.run({2, 0}, options_).interrupted);
  EXPECT_EQ(run.num_there({0, 1, 2}), 2u);
  const StoredRun results = run.results();
  ASSERT_EQ(results.points.size(), 2u);
  EXPECT_EQ(results.points[0].index, 0u);
  EXPECT_EQ(results.points[1].index, 2u);
  run.run({0, 1}, options_);
  EXPECT_EQ(run.results().points.size(), 3u);
}

TEST_F(RungRunTest, TakesUpAnEarlierRunUnlessAskedForAFreshOne) {
  fs::path folder;
  {
    RungRun run(sweep_, place());
    run.run({0}, options_);
    folder = run.folder();
  }
  EXPECT_EQ(read_run(folder).status, "interrupted");  // there is more of the grid to run
  {
    RungRun again(sweep_, place());
    EXPECT_EQ(again.folder(), folder);
    EXPECT_EQ(again.num_there({0, 1}), 1u);
    again.run({0, 1, 2}, options_);
  }
  EXPECT_EQ(read_run(folder).status, "complete");
  RungPlace anew = place();
  anew.fresh = true;
  EXPECT_NE(RungRun(sweep_, anew).folder(), folder);
}

TEST_F(RungRunTest, LeavesRowsInAnotherArithmeticToTheirOwnSearch) {
  RungPlace rounded = place();
  rounded.backend = {"cuda:bf16", {"cuda:bf16 (H200)"}};
  fs::path plain_folder;
  {
    RungRun plain(sweep_, place());
    plain.run({0, 1, 2}, options_);
    plain_folder = plain.folder();
  }
  fs::path folder;
  {
    RungRun run(sweep_, rounded);
    folder = run.folder();
    EXPECT_NE(folder, plain_folder);
    EXPECT_EQ(run.num_there({0, 1, 2}), 0u);
    run.finish();
  }
  EXPECT_EQ(read_manifest(folder).backend.arithmetic, "cuda:bf16");
  EXPECT_EQ(RungRun(sweep_, rounded).folder(), folder);
  EXPECT_EQ(RungRun(sweep_, place()).folder(), plain_folder);
}

}  // namespace
}  // namespace moesim::experiments
