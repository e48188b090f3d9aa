// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/resume.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/base/thrown_error.h"
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
  fs::path make(const Sweep& sweep, const std::string& status,
                const BackendRecord& backend = {}) const {
    RunManifest manifest = new_manifest(sweep, "moesim");
    manifest.backend = backend;
    RunDirectory directory(root_ / "runs", manifest, input_);
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

  static BackendRecord bf16() { return {"cuda:bf16", {"cuda:bf16 (H200)"}}; }
  ResumeRequest request_by(const Sweep& sweep, const BackendRecord& backend) const {
    ResumeRequest request{sweep, input_, "moesim", ""};
    request.backend = backend;
    return request;
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
  EXPECT_EQ(found->obstacle, "");
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

TEST_F(ResumeTest, ARunInAnotherArithmeticIsFoundWithWhatIsInTheWay) {
  const Sweep sweep = sweep_of("1, 2");
  const fs::path folder = make(sweep, "interrupted", bf16());
  const auto found = find_run(root_ / "runs", request(sweep));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->obstacle,
            "in the arithmetic of cuda:bf16 (--backend cuda:bf16 goes on with it)");
  const auto same = find_run(root_ / "runs", request_by(sweep, bf16()));
  ASSERT_TRUE(same);
  EXPECT_EQ(same->folder, folder);
  EXPECT_EQ(same->obstacle, "");
  const fs::path plain = make(sweep, "interrupted");
  EXPECT_EQ(find_run(root_ / "runs", request(sweep))->folder, plain);
  EXPECT_EQ(find_run(root_ / "runs", request_by(sweep, bf16()))->folder, folder);
}

TEST_F(ResumeTest, ARunGoesOnInItsOwnArithmeticOnly) {
  const Sweep sweep = sweep_of("1, 2");
  const fs::path rounded = make(sweep, "interrupted", bf16());
  base::Error error = base::thrown_error([&] { resume_run(rounded, request(sweep)); });
  EXPECT_EQ(error.where(), rounded.string());
  EXPECT_EQ(error.message(),
            "was computed in the arithmetic of cuda:bf16, and this would be the processor's "
            "arithmetic: their results do not mix");
  EXPECT_EQ(error.hint(), "go on with --backend cuda:bf16; --fresh starts a new run");
  const fs::path plain = make(sweep, "interrupted");
  error = base::thrown_error([&] { resume_run(plain, request_by(sweep, bf16())); });
  EXPECT_EQ(error.hint(), "go on with --backend cpu or cuda; --fresh starts a new run");
  EXPECT_EQ(read_manifest(plain).status, "interrupted");
}

TEST_F(ResumeTest, TheManifestNamesAllBackendsOfARun) {
  const Sweep sweep = sweep_of("1, 2");
  const fs::path folder = make(sweep, "interrupted");
  resume_run(folder, request_by(sweep, {"processor", {"cuda (H200)"}}));
  EXPECT_EQ(read_manifest(folder).backend.backends,
            (std::vector<std::string>{"cpu", "cuda (H200)"}));
  const fs::path rounded = make(sweep, "interrupted", bf16());
  resume_run(rounded, request_by(sweep, {"cuda:bf16", {"cuda:bf16 (B200)"}}));
  const BackendRecord record = read_manifest(rounded).backend;
  EXPECT_EQ(record.arithmetic, "cuda:bf16");
  EXPECT_EQ(record.backends, (std::vector<std::string>{"cuda:bf16 (H200)", "cuda:bf16 (B200)"}));
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
