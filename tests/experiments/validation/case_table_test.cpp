// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/case_table.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/base/thrown_error.h"
#include "tests/experiments/validation/scratch_file.h"

namespace moesim::experiments {
namespace {

std::string error_of(const std::string& text) {
  const ScratchFolder folder;
  try {
    read_table(folder.write("cases.csv", text));
  } catch (const base::Error& error) {
    const std::string where = error.where();
    return where.substr(where.find("cases.csv")) + ": " + error.message();
  }
  return "no error";
}

TEST(CaseTable, CellsBecomeNumbersQuantitiesAndWords) {
  const ScratchFolder folder;
  const auto rows = read_table(folder.write(
      "cases.csv", "# a remark\noperation,ranks,time [us],held_out\nall_reduce, 8 ,1.50,true\n"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(base::to_text(rows[0], base::JsonStyle::compact),
            R"({"operation":"all_reduce","ranks":8,"time":"1.50 us","held_out":true})");
}

TEST(CaseTable, AnEmptyCellIsLeftOut) {
  const ScratchFolder folder;
  const auto rows = read_table(folder.write("cases.csv", "ranks,comm_sms,id\n2,,x\n\n4,8,y\n"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(base::to_text(rows[0], base::JsonStyle::compact), R"({"ranks":2,"id":"x"})");
  EXPECT_EQ(base::to_text(rows[1], base::JsonStyle::compact),
            R"({"ranks":4,"comm_sms":8,"id":"y"})");
}

TEST(CaseTable, AValueKnowsItsLineAndColumn) {
  const ScratchFolder folder;
  const auto rows = read_table(folder.write("cases.csv", "# a remark\nid,ranks\nx,12\n"));
  EXPECT_EQ(rows[0].find("ranks")->place.line, 3);
  EXPECT_EQ(rows[0].find("ranks")->place.column, 3);
}

TEST(CaseTable, BadTablesAreRefusedWithTheirPlace) {
  EXPECT_EQ(error_of("id,ranks\nx,2\ny\n"), "cases.csv:3:1: 1 cells under 2 keys");
  EXPECT_EQ(error_of("id,id\nx,2\n"), "cases.csv:1:1: two columns are called \"id\"");
  EXPECT_EQ(error_of("id,,ranks\nx,1,2\n"), "cases.csv:1:1: a column has no key");
  EXPECT_EQ(error_of("id,time [us]\nx,soon\n"), "cases.csv:2:3: \"soon\" is not a number of us");
  EXPECT_EQ(error_of("id,ranks\n"), "cases.csv: the table has no rows");
}

// As spreadsheets write them; std::from_chars would read "nan" and "inf" as numbers.
TEST(CaseTable, WhatIsNoFiniteNumberIsAWord) {
  const ScratchFolder folder;
  const auto rows = read_table(folder.write("cases.csv", "\xEF\xBB\xBFid,a,b\nx,nan,inf\n"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(base::to_text(rows[0], base::JsonStyle::compact), R"({"id":"x","a":"nan","b":"inf"})");
  EXPECT_EQ(error_of("id,time [us]\nx,inf\n"), "cases.csv:2:3: \"inf\" is not a number of us");
}

TEST(CaseTable, AFolderIsNoTable) {
  const ScratchFolder folder;
  const auto parent = std::filesystem::path(folder.write("cases.csv", "")).parent_path();
  EXPECT_EQ(base::thrown_error([&] { read_table(parent); }).message(),
            "this is a folder, not a file");
}

TEST(CaseTable, AMissingFileIsAnError) {
  EXPECT_THROW(read_table("no/such/table.csv"), base::Error);
}

}  // namespace
}  // namespace moesim::experiments
