// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/run_directory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/base/thrown_error.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

std::string row_of(int index) {
  const std::string number = std::to_string(index);
  return R"({"status":"ok","scenario":{"name":"small","point":"id)" + number + R"(","index":)" +
         number + "}}";
}

class RunDirectoryTest : public testing::Test {
 protected:
  RunDirectoryTest() {
    fs::create_directories(root_);
    std::ofstream(input_) << "// as written\n{}\n";
  }
  ~RunDirectoryTest() override { fs::remove_all(root_); }

  std::string text_of(const fs::path& path) const {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  RunDirectory make(const Sweep& sweep) const {
    return {root_ / "runs", new_manifest(sweep, "moesim run input.json"), input_};
  }

  const fs::path root_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  const fs::path input_ = root_ / "input.json";
  const Sweep one_ = expand(small_document());
  const Sweep two_ =
      expand(small_document(", \"sweep\": {\"network.fidelity\": [\"flow\", \"analytic\"]}"));
};

TEST_F(RunDirectoryTest, StandsBelowTheExperimentsName) {
  const RunDirectory directory = make(one_);
  EXPECT_EQ(directory.path().parent_path(), root_ / "runs" / "small");
  EXPECT_EQ(text_of(directory.path() / "config.input.json"), "// as written\n{}\n");
}

TEST_F(RunDirectoryTest, TwoRunsOfOneSecondGetFoldersOfTheirOwn) {
  EXPECT_NE(make(one_).path(), make(one_).path());
}

TEST_F(RunDirectoryTest, ALonePointsFilesStandInTheRunsFolder) {
  RunDirectory directory = make(one_);
  EXPECT_EQ(directory.point_folder(one_.points[0]), directory.path());
}

TEST_F(RunDirectoryTest, PointsOfASweepGetFoldersNamedForTheirValues) {
  RunDirectory directory = make(two_);
  const fs::path folder = directory.point_folder(two_.points[1]);
  EXPECT_EQ(folder, directory.path() / "points" / "0001-network.fidelity=analytic");
  EXPECT_TRUE(fs::is_directory(folder));
}

TEST_F(RunDirectoryTest, ResultsAreAppendedLineByLineAndSortedAtTheEnd) {
  RunDirectory directory = make(two_);
  directory.append_result(row_of(1));
  directory.append_result(row_of(0));
  EXPECT_EQ(text_of(directory.path() / "results.ndjson"), row_of(1) + "\n" + row_of(0) + "\n");
  directory.finish("complete");
  EXPECT_EQ(text_of(directory.path() / "results.ndjson"), row_of(0) + "\n" + row_of(1) + "\n");
}

// The sha256 of "// as written\n{}\n" comes from coreutils' sha256sum.
TEST_F(RunDirectoryTest, FinishListsTheFilesAndPointsLatestToThem) {
  RunDirectory directory = make(one_);
  directory.finish("complete");
  const base::JsonValue manifest = base::read_json_file(directory.path() / "manifest.json");
  EXPECT_EQ(manifest.find("status")->text, "complete");
  EXPECT_EQ(manifest.find("command")->text, "moesim run input.json");
  const std::vector<base::JsonValue>& files = manifest.find("files")->items;
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].find("path")->text, "config.input.json");
  EXPECT_EQ(files[0].find("bytes")->number, 17);
  EXPECT_EQ(files[0].find("sha256")->text,
            "d5435b28c23d30e88152a6690a6c0714e6c14ba2b55402c97a8a4ed62a119999");
  EXPECT_EQ(fs::read_symlink(directory.path().parent_path() / "latest"),
            directory.path().filename());
}

TEST_F(RunDirectoryTest, FilesOfMoreThanAThousandPointsAreNotListed) {
  RunManifest manifest = new_manifest(two_, "moesim");
  for (const std::size_t num_points : {1000, 1001}) {
    manifest.num_points = num_points;
    RunDirectory directory(root_ / "runs", manifest, input_);
    std::ofstream(directory.point_folder(two_.points[0]) / "log.txt") << "said";
    directory.finish("interrupted");
    const base::JsonValue read = base::read_json_file(directory.path() / "manifest.json");
    EXPECT_EQ(read.find("files")->items.size(), num_points == 1000 ? 2u : 1u);
  }
}

TEST_F(RunDirectoryTest, DiscardLeavesNothing) {
  RunDirectory directory = make(two_);
  directory.point_folder(two_.points[0]);
  directory.append_result(row_of(0));
  directory.discard();
  EXPECT_TRUE(fs::is_empty(root_ / "runs"));
}

TEST_F(RunDirectoryTest, DiscardKeepsEarlierRuns) {
  RunDirectory earlier = make(one_);
  earlier.finish("complete");
  RunDirectory directory = make(one_);
  directory.discard();
  EXPECT_FALSE(fs::exists(directory.path()));
  EXPECT_TRUE(fs::exists(earlier.path() / "manifest.json"));
}

TEST_F(RunDirectoryTest, AFileInPlaceOfTheFolderIsAnError) {
  const base::Error error =
      base::thrown_error([&] { RunDirectory(input_, new_manifest(one_, "moesim"), input_); });
  EXPECT_EQ(error.where(), (input_ / "small").string());
  EXPECT_EQ(error.hint(), "choose another folder with --output");
}

}  // namespace
}  // namespace moesim::experiments
