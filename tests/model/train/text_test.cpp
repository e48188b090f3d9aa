// SPDX-License-Identifier: Apache-2.0
#include "model/train/text.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/error.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test, empty at the start.
class ReadText : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("moesim_text_" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& content) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }

  fs::path folder_;
};

std::string as_string(const std::vector<std::uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST_F(ReadText, AFileIsReadWhole) {
  write("a.bin", std::string("x\0y", 3));
  EXPECT_EQ(as_string(read_text(folder_ / "a.bin", 3)), std::string("x\0y", 3));
}

TEST_F(ReadText, AFoldersTextFilesComeInPathOrder) {
  write("b.md", "2");
  write("a/z.py", "1");
  write("c.json", "3");
  write("picture.png", "no");
  EXPECT_EQ(as_string(read_text(folder_, 1)), "123");
}

TEST_F(ReadText, HiddenBuiltAndRunFoldersAreLeftOut) {
  write("a.txt", "yes");
  for (const char* name :
       {".git/a.txt", ".b.txt", "build/a.txt", "runs/a.txt", "c/node_modules/a.txt"}) {
    write(name, "no");
  }
  EXPECT_EQ(as_string(read_text(folder_, 1)), "yes");
}

void expect_error(const fs::path& path, std::size_t least_bytes, const std::string& words) {
  try {
    read_text(path, least_bytes);
    FAIL() << "no error for " << path;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), path.string());
    EXPECT_NE(error.message().find(words), std::string::npos) << error.message();
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST_F(ReadText, AMissingPathIsAnError) { expect_error(folder_ / "none", 1, "no such path"); }

TEST_F(ReadText, AShortTextIsAnError) {
  write("a.txt", "four");
  expect_error(folder_ / "a.txt", 5, "has 4 bytes, and at least 5");
  expect_error(folder_, 5, "has 4 bytes, and at least 5");
}

TEST_F(ReadText, AnEmptyFileIsAnError) {
  write("a.txt", "");
  expect_error(folder_ / "a.txt", 1, "has 0 bytes, and at least 1");
}

TEST_F(ReadText, AFolderWithoutTextIsAnError) {
  write("picture.png", "no");
  write("model.safetensors", "no");
  expect_error(folder_, 1, "has 0 bytes, and at least 1");
}

TEST_F(ReadText, ADeviceIsAnError) { expect_error("/dev/null", 0, "neither a file nor a folder"); }

}  // namespace
}  // namespace moesim::model
