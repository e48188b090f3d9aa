// SPDX-License-Identifier: Apache-2.0
#include "base/file_bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/model/checkpoint/scratch_files.h"

namespace moesim::base {
namespace {

namespace fs = std::filesystem;

using moesim::testing::bytes_of_file;
using moesim::testing::expect_complaint;

class FileBytes : public moesim::testing::ScratchFiles {};

TEST_F(FileBytes, ReadsFromAnyPlace) {
  const InputFile file(write("a", "0123456789"), "hint");
  EXPECT_EQ(file.size(), 10U);
  std::array<std::uint8_t, 3> bytes{};
  file.read(6, bytes);
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "678");
  expect_complaint([&] { file.read(8, bytes); },
                   {(folder_ / "a").string(), "became shorter", "read again"});
}

TEST_F(FileBytes, WhatIsNoFileIsAnErrorWithTheCallersHint) {
  expect_complaint([&] { InputFile(folder_ / "none", "look here"); },
                   {(folder_ / "none").string(), "no such file", "look here"});
  expect_complaint([&] { InputFile(folder_, "look here"); },
                   {folder_.string(), "this is a folder", "look here"});
  expect_complaint([&] { InputFile("/dev/null", "look here"); },
                   {"/dev/null", "not a regular file", "look here"});
}

// FIPS 180-4's example: the hash of "abc".
TEST_F(FileBytes, HashesAFile) {
  EXPECT_EQ(sha256_of_file(write("a", "abc"), "hint"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(FileBytes, WritesItsPartsInOrderOverAnOldFile) {
  const fs::path path = write("a", "old and longer");
  const std::array<std::string_view, 3> parts = {"one ", "", "two"};
  write_file_atomically(path, parts);
  EXPECT_EQ(bytes_of_file(path), "one two");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

// The new file cannot take the place of a folder: the folder stays, and no temporary file is left.
TEST_F(FileBytes, AFailedWriteLeavesNothingBehind) {
  fs::create_directories(folder_ / "a" / "inside");
  const std::array<std::string_view, 1> parts = {"text"};
  expect_complaint([&] { write_file_atomically(folder_ / "a", parts); },
                   {(folder_ / "a").string(), "cannot be written", "has room"});
  EXPECT_TRUE(fs::is_directory(folder_ / "a" / "inside"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace moesim::base
