// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/resume.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

class ResumeTest : public testing::Test {
 protected:
  ResumeTest() {
    fs::create_directories(root_);
    std::ofstream(input_) << "{}\n";
  }
  ~ResumeTest() override { fs::remove_all(root_); }

  static Sweep sweep_of(const std::string& seeds) {
    return expand(small_document(", \"sweep\": {\"router.seed\": [" + seeds + "]}"));
  }
  static std::string row_of(const Point& point, const std::string& status = "ok") {
    return R"({"status":")" + status + R"(","scenario":{"name":"small","point":")" + point.id +
           R"(","index":)" + std::to_string(point.index) + "}}";
  }
  // A run of the sweep that has ended as `status` says, with a row for each of its points.
  fs::path make(const Sweep& sweep, const std::string& status) const {
    RunDirectory directory(root_ / "runs", new_manifest(sweep, "moesim"), input_);
    for (const Point& point : sweep.points) {
      directory.point_folder(point);
      directory.append_result(row_of(point));
    }
    directory.finish(status);
    return directory.path();
  }
  ResumeRequest request(const Sweep& sweep, bool retry_failed = false) const {
    return {sweep, input_, "moesim", "", retry_failed};
  }

  const fs::path root_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  const fs::path input_ = root_ / "input.json";
};

TEST_F(ResumeTest, TheNewestRunOfTheSamePointsDecides) {
  const Sweep sweep = sweep_of("1, 2");
  EXPECT_FALSE(find_run(root_ / "runs", request(sweep)));
  const fs::path first = make(sweep, "interrupted");
  const auto found = find_run(root_ / "runs", request(sweep));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->folder, first);
  EXPECT_TRUE(found->is_same_build);
  const Sweep other = sweep_of("1, 3");
  EXPECT_FALSE(find_run(root_ / "runs", request(other)));
  make(sweep, "complete");
  EXPECT_FALSE(find_run(root_ / "runs", request(sweep)));
}

TEST_F(ResumeTest, ARunWithFailedPointsIsTakenUpOnlyToRetryThem) {
  const Sweep sweep = sweep_of("1, 2");
  make(sweep, "points failed");
  EXPECT_FALSE(find_run(root_ / "runs", request(sweep)));
  EXPECT_TRUE(find_run(root_ / "runs", request(sweep, true)));
}

TEST_F(ResumeTest, AFinishedRunIsTakenUpWhereTheRequestSaysSo) {
  const Sweep sweep = sweep_of("1, 2");
  const fs::path complete = make(sweep, "complete");
  ResumeRequest any = request(sweep);
  any.also_finished = true;
  const auto found = find_run(root_ / "runs", any);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->folder, complete);
}

// Sweeps of earlier versions named a value twice: two rows of one point, of which one stays.
TEST_F(ResumeTest, EachPointHasOneRow) {
  const Sweep sweep = sweep_of("1, 2");
  fs::path folder;
  {
    RunDirectory directory(root_ / "runs", new_manifest(sweep, "moesim"), input_);
    directory.append_result(row_of(sweep.points[0]));
    directory.append_result(row_of(sweep.points[0]));
    folder = directory.path();
  }
  const ResumedRun resumed = resume_run(folder, request(sweep));
  ASSERT_EQ(resumed.directory.journal().rows().size(), 1u);
  EXPECT_EQ(resumed.directory.journal().rows()[0].index, 0u);
  EXPECT_EQ(resumed.dropped, 1u);
}

TEST_F(ResumeTest, FoldersThatAMoveLeftAsideFindTheirPlace) {
  const Sweep sweep = sweep_of("1, 2");
  const fs::path points = make(sweep, "interrupted") / "points";
  fs::rename(points / "0001-router.seed=2", points / "moved.0007-router.seed=2");
  resume_run(points.parent_path(), request(sweep));
  EXPECT_TRUE(fs::exists(points / "0001-router.seed=2"));
  EXPECT_FALSE(fs::exists(points / "moved.0007-router.seed=2"));
}

}  // namespace
}  // namespace moesim::experiments
