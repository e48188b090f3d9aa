// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/directory_lock.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

class DirectoryLockTest : public testing::Test {
 protected:
  DirectoryLockTest() { fs::create_directories(folder_); }
  ~DirectoryLockTest() override { fs::remove_all(folder_); }

  const fs::path folder_ =
      fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(DirectoryLockTest, OnlyOneHasIt) {
  const DirectoryLock first(folder_);
  const base::Error error = base::thrown_error([&] { const DirectoryLock second(folder_); });
  EXPECT_EQ(error.where(), folder_.string());
  EXPECT_EQ(error.message(), "another process is at work in this run");
}

TEST_F(DirectoryLockTest, IsFreeAgainWhenItsOwnerEnds) {
  { const DirectoryLock first(folder_); }
  EXPECT_NO_THROW(const DirectoryLock second(folder_));
}

TEST_F(DirectoryLockTest, WithoutAFolderThereIsNone) {
  const base::Error error =
      base::thrown_error([&] { const DirectoryLock lock(folder_ / "missing"); });
  EXPECT_EQ(error.message(), "cannot be made: No such file or directory");
}

}  // namespace
}  // namespace moesim::experiments
