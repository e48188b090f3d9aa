// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/subject.h"

#include <gtest/gtest.h>

#include "experiments/runs/point_files.h"
#include "tests/base/thrown_error.h"
#include "tests/experiments/compare/example_subjects.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

class SubjectTest : public testing::Test {
 protected:
  SubjectTest() { fs::create_directories(folder_); }
  ~SubjectTest() override { fs::remove_all(folder_); }

  std::string write(const fs::path& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    write_file(folder_ / name, text);
    return (folder_ / name).string();
  }

  // The folder of a run of two points, of which the second failed.
  std::string write_run() const {
    write("run/manifest.json",
          R"({"name": "small", "status": "points failed", "num_points": 2, "moesim": "0.1.0",)"
          R"( "commit": "abc", "axes": ["router.seed"]})");
    write("run/results.ndjson",
          R"({"status": "ok", "step_time_s": 2.5, "scenario": {"point": "aaa", "index": 0,)"
          R"( "swept": {"router.seed": 4}}})"
          "\n"
          R"({"status": "failed", "reason": "no way", "scenario": {"point": "bbb", "index": 1,)"
          R"( "swept": {"router.seed": 5}}})"
          "\n");
    write("run/points/0000-router.seed=4/config.resolved.json",
          base::write_json(small_subject({"router.seed=4"}).experiment));
    return (folder_ / "run").string();
  }

  const fs::path folder_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(SubjectTest, AFileIsReadWithItsPresets) {
  const Subject subject = read_subject(write("e.json", small_experiment()), {"router.seed=3"}, "A");
  EXPECT_EQ(subject.title, "small");
  EXPECT_EQ(subject.experiment.scenario.router.seed, 3U);
  EXPECT_FALSE(subject.figures.has_value());
  const base::JsonValue* cluster = subject.config.find("cluster");
  ASSERT_NE(cluster, nullptr);
  EXPECT_EQ(cluster->find("node")->find("nic_bandwidth")->text, "50 GB/s");
}

TEST_F(SubjectTest, APointOfAFilesSweepIsNamed) {
  std::string text = small_experiment();
  text.back() = ',';
  const std::string file = write("e.json", text + R"("sweep": {"router.seed": [1, 2]}})");
  EXPECT_EQ(read_subject(file + ":1", {}, "A").experiment.scenario.router.seed, 2U);
  EXPECT_EQ(read_subject(file + ":1", {}, "A").title, "small (router.seed=2)");
  EXPECT_EQ(base::thrown_error([&] { read_subject(file, {}, "A"); }).message(), "it has 2 points");
  const base::Error error = base::thrown_error([&] { read_subject(file + ":7", {}, "A"); });
  EXPECT_NE(error.hint().find("0 to 1"), std::string::npos) << error.hint();
}

TEST_F(SubjectTest, APointOfARunHasItsFiguresAndItsConfiguration) {
  const std::string run = write_run();
  for (const char* point : {":0", ":aaa"}) {
    const Subject subject = read_subject(run + point, {}, "B");
    EXPECT_EQ(subject.title, "small (router.seed=4)");
    EXPECT_EQ(subject.moesim, "0.1.0 abc");
    EXPECT_EQ(subject.figures->step_time_s, 2.5);
    EXPECT_EQ(subject.experiment.scenario.router.seed, 4U);
  }
}

// As those that a search screens in.
TEST_F(SubjectTest, ARunWithoutFoldersOfItsPointsHasNoInputs) {
  const std::string run = write_run();
  fs::remove_all(folder_ / "run" / "points");
  const base::Error error = base::thrown_error([&] { read_subject(run + ":0", {}, "B"); });
  EXPECT_EQ(error.where(), run);
  EXPECT_EQ(error.message(), "has no folder of point 0, whose inputs would be there");
}

TEST_F(SubjectTest, WhatHasNoFiguresIsAnError) {
  const std::string run = write_run();
  const base::Error failed = base::thrown_error([&] { read_subject(run + ":1", {}, "B"); });
  EXPECT_EQ(failed.where(), "B");
  EXPECT_EQ(failed.message(), "the point was failed: no way");
  EXPECT_EQ(base::thrown_error([&] { read_subject(run, {}, "B"); }).message(),
            "the run has 2 points");
  EXPECT_NE(base::thrown_error([&] { read_subject("nowhere.json", {}, "A"); })
                .message()
                .find("neither a run's folder nor an experiment file"),
            std::string::npos);
}

// Of 2.5 s: the same within 1e-6 of it, else a warning, which names the table that was.
TEST(AgeWarning, SaysThatFiguresAreOlderThanWhatTheyComeFrom) {
  Subject subject;
  EXPECT_FALSE(age_warning(subject, "A", 2.5, "roofline"));
  subject.figures.emplace().step_time_s = 2.5;
  subject.figures->cost_source = "table old";
  EXPECT_FALSE(age_warning(subject, "A", 2.500002, "table old"));
  const std::string other = age_warning(subject, "A", 2.6, "table new").value_or("");
  EXPECT_NE(other.find("now take 2.6 s: its compute times were of table old; "), std::string::npos)
      << other;
  const std::string same = age_warning(subject, "A", 2.6, "table old").value_or("");
  EXPECT_NE(same.find(": another version or other texts; "), std::string::npos) << same;
}

}  // namespace
}  // namespace moesim::experiments
