// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/stored_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

class StoredRunTest : public testing::Test {
 protected:
  StoredRunTest() {
    fs::create_directories(folder_);
    write("manifest.json",
          R"({"name": "small", "question": "why?", "status": "running", "num_points": 3,)"
          R"( "axes": ["router.seed", "model.top_k"], "moesim": "0.1.0", "commit": "abc"})");
  }
  ~StoredRunTest() override { fs::remove_all(folder_); }

  void write(const char* name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  static std::string row(int index, const std::string& more) {
    return R"({"status": "ok", "scenario": {"point": "id)" + std::to_string(index) +
           R"(", "index": )" + std::to_string(index) + R"(, "swept": {"model.top_k": 2,)" +
           R"( "router.seed": )" + std::to_string(index) + "}}" + more + "}\n";
  }

  const fs::path folder_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(StoredRunTest, HasTheManifestAndNoPointsBeforeTheFirstEnds) {
  const StoredRun run = read_run(folder_);
  EXPECT_EQ(run.name, "small");
  EXPECT_EQ(run.question, "why?");
  EXPECT_EQ(run.moesim, "0.1.0 abc");
  EXPECT_EQ(run.num_points, 3u);
  EXPECT_TRUE(run.points.empty());
}

// The manifest says 3 points; a shard of two that begins with point 1 has one of them.
TEST_F(StoredRunTest, ARunThatHasEndedKnowsHowManyRowsItLost) {
  const auto manifest = [&](const std::string& more) {
    write("manifest.json", R"({"name": "small", "num_points": 3, "moesim": "0.1.0",)" + more +
                               R"( "axes": ["router.seed"], "commit": "abc"})");
  };
  write("results.ndjson", row(1, ""));
  EXPECT_EQ(read_run(folder_).lost_rows, 0u) << "it is still running";
  manifest(R"("status": "complete",)");
  StoredRun run = read_run(folder_);
  EXPECT_EQ(run.lost_rows, 2u);
  EXPECT_NE(lost_rows_text(run).find("2 of its rows are missing"), std::string::npos);
  EXPECT_TRUE(lost_rows_text(run).ends_with("--resume " + folder_.string()));
  manifest(R"("status": "complete", "shard": "2/2",)");
  run = read_run(folder_);
  EXPECT_EQ(run.lost_rows, 0u);
  EXPECT_EQ(lost_rows_text(run), "");
  fs::remove(folder_ / "results.ndjson");
  EXPECT_EQ(read_run(folder_).lost_rows, 1u);
  manifest(R"("status": "complete", "shard": "2/2", "arithmetic": "cuda:bf16",)");
  const std::string flags = " --shard 2/2 --backend cuda:bf16";
  EXPECT_TRUE(lost_rows_text(read_run(folder_)).ends_with(folder_.string() + flags));
}

TEST_F(StoredRunTest, RowsComeByIndexAndNumbersByDottedKey) {
  const std::string rows = row(2, R"(, "step_time_s": 0.5, "phase_time_s": {"expert": 0.25})") +
                           row(0, R"(, "step_time_s": 2, "loss": null, "list": [1, 2])");
  write("results.ndjson", rows);
  const StoredRun run = read_run(folder_);
  ASSERT_EQ(run.points.size(), 2u);
  EXPECT_EQ(run.columns, (std::vector<std::string>{"step_time_s", "phase_time_s.expert"}));
  EXPECT_EQ(run.points[0].id, "id0");
  EXPECT_EQ(run.figure(run.points[0], "step_time_s"), 2);
  EXPECT_TRUE(std::isnan(run.figure(run.points[0], "phase_time_s.expert")));
  EXPECT_EQ(run.figure(run.points[1], "phase_time_s.expert"), 0.25);
  EXPECT_TRUE(std::isnan(run.figure(run.points[1], "loss")));
  EXPECT_EQ(label_of(run, run.points[1]), "router.seed=2, model.top_k=2");
  EXPECT_EQ(read_row(run, run.points[0]).find("list")->items.size(), 2u);
}

TEST_F(StoredRunTest, ALineThatWasCutOffIsLeftOut) {
  write("results.ndjson", row(0, "") + row(1, "").substr(0, 40));
  EXPECT_EQ(read_run(folder_).points.size(), 1u);
}

TEST_F(StoredRunTest, ADamagedLineIsNamed) {
  write("results.ndjson", row(0, "") + "{\"status\": \n" + row(1, ""));
  const base::Error error = base::thrown_error([&] { read_run(folder_); });
  EXPECT_TRUE(error.where().ends_with("results.ndjson line 2")) << error.where();
  EXPECT_NE(error.hint().find("--fresh"), std::string::npos) << error.hint();
}

TEST_F(StoredRunTest, AFolderInTheFilesPlaceOrAPointWithTwoRowsIsAnError) {
  write("results.ndjson", row(0, "") + row(1, "") + row(1, ""));
  const base::Error twice = base::thrown_error([&] { read_run(folder_); });
  EXPECT_EQ(twice.message(), "has two rows of point 1");
  fs::remove(folder_ / "results.ndjson");
  fs::create_directories(folder_ / "results.ndjson");
  EXPECT_EQ(base::thrown_error([&] { read_run(folder_); }).message(), "is no file");
  fs::remove(folder_ / "results.ndjson");
}

TEST_F(StoredRunTest, AnExperimentsFolderMeansItsLatestRun) {
  const fs::path experiment = folder_ / "experiment";
  fs::create_directories(experiment);
  fs::create_directory_symlink(folder_, experiment / "latest");
  EXPECT_EQ(read_run(experiment).name, "small");
}

TEST_F(StoredRunTest, AFolderOfSomethingElseIsAnError) {
  const base::Error error = base::thrown_error([&] { read_run(folder_ / "nowhere"); });
  EXPECT_EQ(error.message(), "is no run's folder: it has neither manifest.json nor latest/");
}

}  // namespace
}  // namespace moesim::experiments
