// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/journal.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

std::string row(const std::string& id, int index, const std::string& status = "ok") {
  return R"({"status":")" + status + R"(","reason":"","scenario":{"name":"n","point":")" + id +
         R"(","index":)" + std::to_string(index) + R"(,"swept":{}},"time_s":1})";
}

class JournalTest : public testing::Test {
 protected:
  ~JournalTest() override { fs::remove(path_); }

  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
  std::string text() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }

  const fs::path path_ =
      fs::path(testing::TempDir()) /
      (testing::UnitTest::GetInstance()->current_test_info()->name() + std::string(".ndjson"));
};

TEST_F(JournalTest, ARowsHeadIsFoundBehindAReasonThatLooksLikeOne) {
  const std::string line =
      R"({"status":"failed","reason":"said ,\"point\":\"no\",\"index\":9","scenario":)"
      R"({"name":"n","point":"abc","index":12,"swept":{}}})";
  const JournalRow head = read_row_head(line, "here");
  EXPECT_EQ(head.status, "failed");
  EXPECT_EQ(head.id, "abc");
  EXPECT_EQ(head.index, 12u);
  EXPECT_EQ(head.size, line.size());
}

TEST_F(JournalTest, IsNoFileBeforeTheFirstRow) {
  Journal journal(path_);
  EXPECT_FALSE(fs::exists(path_));
  journal.append(row("a", 0));
  EXPECT_EQ(text(), row("a", 0) + "\n");
}

TEST_F(JournalTest, GoesOnBehindTheRowsThatAreThere) {
  write(row("b", 1) + "\n");
  Journal journal(path_);
  journal.append(row("a", 0));
  ASSERT_EQ(journal.rows().size(), 2u);
  EXPECT_EQ(journal.rows()[0].id, "b");
  EXPECT_EQ(journal.text_of(journal.rows()[1]), row("a", 0));
}

TEST_F(JournalTest, CutsOffWhatWasBeingWritten) {
  for (const std::string& torn : {row("b", 1), std::string("{\"sta"), std::string("{]\n")}) {
    write(row("a", 0) + "\n" + torn);
    EXPECT_EQ(Journal(path_).rows().size(), 1u) << torn;
    EXPECT_EQ(text(), row("a", 0) + "\n");
  }
  write("{");
  EXPECT_TRUE(Journal(path_).rows().empty());
  EXPECT_EQ(text(), "");
}

TEST_F(JournalTest, ADamagedLineBeforeTheLastIsAnErrorThatNamesIt) {
  write(row("a", 0) + "\n\n" + row("b", 1) + "\n");
  const base::Error error = base::thrown_error([&] { Journal journal(path_); });
  EXPECT_EQ(error.where(), path_.string() + " line 2");
}

TEST_F(JournalTest, SortingPutsTheRowsInTheSweepsOrder) {
  Journal journal(path_);
  for (const int index : {2, 0, 1}) journal.append(row("p" + std::to_string(index), index));
  journal.sort();
  EXPECT_EQ(text(), row("p0", 0) + "\n" + row("p1", 1) + "\n" + row("p2", 2) + "\n");
  journal.append(row("p3", 3));
  EXPECT_EQ(journal.text_of(journal.rows()[3]), row("p3", 3));
}

TEST_F(JournalTest, RewritingGivesRowsTheirNewIndices) {
  write(row("a", 0) + "\n" + row("b", 1) + "\n" + row("c", 2) + "\n");
  Journal journal(path_);
  std::vector<JournalRow> kept = {journal.rows()[2], journal.rows()[0]};
  kept[0].index = 10;
  journal.rewrite(kept);
  EXPECT_EQ(text(), row("c", 10) + "\n" + row("a", 0) + "\n");
  EXPECT_EQ(journal.text_of(journal.rows()[1]), row("a", 0));
}

TEST_F(JournalTest, ADeviceWithoutRoomIsAnError) {
  Journal journal("/dev/full");
  const base::Error error = base::thrown_error([&] { journal.append(row("a", 0)); });
  EXPECT_EQ(error.where(), "/dev/full");
  EXPECT_EQ(error.message(), "cannot be written: No space left on device");
  EXPECT_TRUE(journal.rows().empty());
}

}  // namespace
}  // namespace moesim::experiments
