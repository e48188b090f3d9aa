// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/merge.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "experiments/runs/run_directory.h"
#include "tests/base/thrown_error.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

class MergeTest : public testing::Test {
 protected:
  MergeTest() {
    fs::create_directories(root_);
    std::ofstream(input_) << "{}\n";
  }
  ~MergeTest() override { fs::remove_all(root_); }

  std::string row_of(std::size_t index, const std::string& more = {}) const {
    return R"({"status":"ok","scenario":{"name":"small","point":")" + sweep_.points[index].id +
           R"(","index":)" + std::to_string(index) + "}" + more + "}";
  }
  // A run with these points' rows; its folders have a file that says which run they are from.
  fs::path make(const std::string& name, const std::vector<std::size_t>& indices,
                const std::string& more = {}, const BackendRecord& backend = {}) const {
    RunManifest manifest = new_manifest(sweep_, "moesim");
    manifest.backend = backend;
    RunDirectory run(root_ / name, manifest, input_);
    for (const std::size_t index : indices) {
      std::ofstream(run.point_folder(sweep_.points[index]) / "log.txt") << name;
      run.append_result(row_of(index, more));
    }
    run.finish("interrupted");
    return run.path();
  }
  static std::string text_of(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  const fs::path root_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  const fs::path input_ = root_ / "input.json";
  const Sweep sweep_ = expand(small_document(", \"sweep\": {\"router.seed\": [1, 2, 3, 4]}"));
};

TEST_F(MergeTest, TakesEachPointFromTheFirstRunThatHasIt) {
  const MergedRun merged =
      merge_runs({make("a", {2, 0}), make("b", {0, 3})}, root_ / "all", "moesim merge");
  EXPECT_EQ(text_of(merged.folder / "results.ndjson"),
            row_of(0) + "\n" + row_of(2) + "\n" + row_of(3) + "\n");
  EXPECT_EQ(merged.missing, std::vector<std::size_t>{1});
  EXPECT_EQ(merged.num_points, 4u);
  EXPECT_EQ(text_of(merged.folder / "points" / "0000-router.seed=1" / "log.txt"), "a");
  EXPECT_EQ(text_of(merged.folder / "points" / "0003-router.seed=4" / "log.txt"), "b");
  EXPECT_FALSE(fs::exists(merged.folder / "points" / "0001-router.seed=2"));
}

TEST_F(MergeTest, AFolderWithoutARowIsLeftBehind) {
  const fs::path run = make("a", {0});
  fs::create_directories(run / "points" / "0001-router.seed=2");
  const MergedRun merged = merge_runs({run}, root_ / "all", "moesim merge");
  EXPECT_FALSE(fs::exists(merged.folder / "points" / "0001-router.seed=2"));
}

TEST_F(MergeTest, RunsInTwoArithmeticsAreAnError) {
  const fs::path first = make("a", {0}, {}, {"cuda:bf16", {"cuda:bf16 (H200)"}});
  const fs::path second = make("b", {1});
  const base::Error error = base::thrown_error([&] {
    merge_runs({first, second}, root_ / "all", "moesim merge");
  });
  EXPECT_EQ(error.where(), second.string());
  EXPECT_EQ(error.message(), "was computed in the processor's arithmetic, and " + first.string() +
                                 " in the arithmetic of cuda:bf16: their results do not mix");
  EXPECT_EQ(error.hint(), "run both with --backend cuda:bf16");
  EXPECT_FALSE(fs::exists(root_ / "all"));
}

TEST_F(MergeTest, NamesAllBackendsOfOneArithmetic) {
  const MergedRun merged =
      merge_runs({make("a", {0}), make("b", {1}, {}, {"processor", {"cuda (H200)"}}),
                  make("c", {2}, {}, {"processor", {"cuda (H200)"}})},
                 root_ / "all", "moesim merge");
  EXPECT_EQ(read_manifest(merged.folder).backend.backends,
            (std::vector<std::string>{"cpu", "cuda (H200)"}));
}

TEST_F(MergeTest, RowsThatDifferAreAnError) {
  const fs::path first = make("a", {0});
  const fs::path second = make("b", {0}, ",\"time_s\":1");
  const base::Error error = base::thrown_error([&] {
    merge_runs({first, second}, root_ / "all", "moesim merge");
  });
  EXPECT_EQ(error.where(), second.string());
  EXPECT_FALSE(fs::exists(root_ / "all"));
}

}  // namespace
}  // namespace moesim::experiments
