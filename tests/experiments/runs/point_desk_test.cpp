// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/point_desk.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

class DirectoryDeskTest : public testing::Test {
 protected:
  ~DirectoryDeskTest() override { fs::remove_all(root_); }

  fs::path input() const {
    fs::create_directories(root_);
    std::ofstream(root_ / "input.json") << "{}\n";
    return root_ / "input.json";
  }
  std::string row_of(std::size_t index) const {
    return R"({"status":"ok","scenario":{"name":"small","point":")" + sweep_.points[index].id +
           R"(","index":)" + std::to_string(index) + "}}";
  }
  static std::vector<std::size_t> all_of(PointDesk& desk) {
    std::vector<std::size_t> taken;
    while (const auto index = desk.take()) taken.push_back(*index);
    return taken;
  }

  const fs::path root_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  const Sweep sweep_ = expand(small_document(R"(, "sweep": {"router.seed": [1, 2, 3, 4]})"));
  RunDirectory directory_{root_ / "runs", new_manifest(sweep_, "moesim"), input()};
};

using Indices = std::vector<std::size_t>;

TEST_F(DirectoryDeskTest, GivesThePointsWithoutARow) {
  directory_.append_result(row_of(1));
  DirectoryDesk desk(directory_);
  EXPECT_EQ(all_of(desk), (Indices{0, 2, 3}));
  EXPECT_TRUE(desk.is_done());
}

TEST_F(DirectoryDeskTest, GivesOfTheWantedOnesThoseWithoutARow) {
  directory_.append_result(row_of(1));
  DirectoryDesk desk(directory_, {3, 1, 0});
  EXPECT_EQ(all_of(desk), (Indices{0, 3}));
}

TEST_F(DirectoryDeskTest, GivesAgainWhatIsPutBack) {
  DirectoryDesk desk(directory_, {2});
  EXPECT_EQ(desk.take(), 2u);
  desk.put_back(2);
  EXPECT_FALSE(desk.is_done());
  EXPECT_EQ(desk.take(), 2u);
  desk.record(row_of(2), true);
  EXPECT_TRUE(desk.has_failed());
  EXPECT_EQ(desk.num_recorded(), 1u);
}

}  // namespace
}  // namespace moesim::experiments
