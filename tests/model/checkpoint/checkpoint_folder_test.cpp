// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/checkpoint_folder.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/model/checkpoint/scratch_files.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

using moesim::testing::bytes_of_file;
using moesim::testing::expect_complaint;

class CheckpointFolder : public moesim::testing::ScratchFiles {
 protected:
  void SetUp() override {
    ScratchFiles::SetUp();
    root_ = folder_ / "checkpoints";
  }
  // A checkpoint whose manifest holds `text`.
  void add(int step, const std::string& text = "{}") const {
    add_checkpoint(root_, step, [&](const fs::path& folder) {
      std::ofstream(folder / "checkpoint.json") << text;
    });
  }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(root_)) all.insert(entry.path().filename());
    return all;
  }

  fs::path root_;
};

TEST_F(CheckpointFolder, KeepsTheLastTwo) {
  for (const int step : {10, 20, 30}) add(step);
  EXPECT_EQ(names(), (std::set<std::string>{"latest", "step_00000020", "step_00000030"}));
  EXPECT_EQ(find_checkpoint(root_), root_ / "step_00000030");
  EXPECT_EQ(bytes_of_file(root_ / "latest"), "step_00000030\n");
}

TEST_F(CheckpointFolder, FindsItFromTheRunOrTheCheckpointItself) {
  add(10);
  EXPECT_EQ(find_checkpoint(folder_), root_ / "step_00000010");
  EXPECT_EQ(find_checkpoint(root_ / "step_00000010"), root_ / "step_00000010");
  EXPECT_TRUE(holds_checkpoint(root_));
  EXPECT_FALSE(holds_checkpoint(folder_ / "none"));
}

// The old folder of the same step stays until the new one is named as the latest.
TEST_F(CheckpointFolder, TheSameStepTwiceNeverLosesTheFirst) {
  add(10, "first");
  add(10, "second");
  EXPECT_EQ(bytes_of_file(find_checkpoint(root_) / "checkpoint.json"), "second");
  add(10, "third");
  EXPECT_EQ(bytes_of_file(find_checkpoint(root_) / "checkpoint.json"), "third");
  EXPECT_EQ(names().size(), 3U);
}

TEST_F(CheckpointFolder, AWriterThatFailsLeavesTheLatest) {
  add(10, "whole");
  const auto fail = [](const fs::path& folder) {
    std::ofstream(folder / "checkpoint.json") << "half";
    throw base::Error("place", "what", "hint");
  };
  EXPECT_THROW(add_checkpoint(root_, 20, fail), base::Error);
  EXPECT_EQ(bytes_of_file(find_checkpoint(root_) / "checkpoint.json"), "whole");
  add(30);
  EXPECT_EQ(names(), (std::set<std::string>{"latest", "step_00000010", "step_00000030"}));
}

TEST_F(CheckpointFolder, ForeignFoldersStay) {
  add(10);
  fs::create_directories(root_ / "notes");
  fs::create_directories(root_ / "step_one");
  add(20);
  add(30);
  EXPECT_TRUE(fs::exists(root_ / "notes"));
  EXPECT_TRUE(fs::exists(root_ / "step_one"));
}

TEST_F(CheckpointFolder, WhatNamesNoCheckpointIsAnError) {
  expect_complaint([&] { find_checkpoint(folder_ / "none"); },
                   {(folder_ / "none").string(), "no such folder", "training run"});
  const fs::path file = write("file", "x");
  expect_complaint([&] { find_checkpoint(file); }, {file.string(), "a file", "training run"});
  expect_complaint([&] { find_checkpoint(folder_); },
                   {folder_.string(), "holds no checkpoint", "training run"});
}

// A program that dies between the first rename and the first `latest`, or a user who copies
// folders, leaves complete checkpoints that nothing names; they count, by their steps and not by
// their spelling, and the next one does not take them all away.
TEST_F(CheckpointFolder, WithoutLatestTheNewestCompleteOneIsIt) {
  add(99999999, "older");
  add(100000000, "newer");
  fs::create_directories(root_ / "step_300000000");  // no manifest: not complete
  fs::remove(root_ / "latest");
  EXPECT_TRUE(holds_checkpoint(root_));
  EXPECT_EQ(find_checkpoint(root_), root_ / "step_100000000");
  EXPECT_EQ(find_checkpoint(folder_), root_ / "step_100000000");
  add(100000001);
  EXPECT_EQ(names(), (std::set<std::string>{"latest", "step_100000000", "step_100000001"}));
}

TEST_F(CheckpointFolder, OfTwoTriesForAStepTheSecondIsNewer) {
  add(10, "first");
  add(10, "second");
  fs::remove(root_ / "latest");
  EXPECT_EQ(bytes_of_file(find_checkpoint(root_) / "checkpoint.json"), "second");
}

TEST_F(CheckpointFolder, FoldersWithoutAManifestAreNotHeld) {
  fs::create_directories(root_ / "step_00000010");
  EXPECT_FALSE(holds_checkpoint(root_));
  expect_complaint([&] { find_checkpoint(root_); },
                   {root_.string(), "holds no checkpoint", "step_00000010"});
}

// What `latest` says is not trusted: it may not lead out of the folder.
TEST_F(CheckpointFolder, ADamagedPointerIsAnErrorThatNamesTheOthers) {
  add(10);
  for (const char* text : {"", "\n", "../step_00000010", "/etc", "step_", "step_x", "Latest"}) {
    std::ofstream(root_ / "latest", std::ios::trunc) << text;
    expect_complaint([&] { find_checkpoint(root_); },
                     {(root_ / "latest").string(), "does not name a checkpoint",
                      (root_ / "step_00000010").string()});
  }
  std::ofstream(root_ / "latest", std::ios::trunc) << "step_00000099\n";
  expect_complaint([&] { find_checkpoint(root_); },
                   {(root_ / "latest").string(), "it names step_00000099, which is no checkpoint",
                    (root_ / "step_00000010").string()});
}

TEST_F(CheckpointFolder, AFolderThatCannotBeMadeIsAnError) {
  write("checkpoints", "a file in the way");
  expect_complaint([&] { add(1); }, {root_.string(), "cannot be written", "may be written to"});
}

}  // namespace
}  // namespace moesim::model
