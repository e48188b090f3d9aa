// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/measured_case.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "tests/experiments/validation/scratch_file.h"

namespace moesim::experiments {
namespace {

constexpr const char* kHead =
    R"({"title": "t", "source": "s", "cluster": {"preset": "h100_single_switch"},
        "protocol": {"preset": "ideal"}, )";

std::string error_of(const std::string& rest) {
  const ScratchFolder folder;
  folder.write("rows.csv", "operation,ranks,message_size [B],time [us]\nall_reduce,8,512,9\n");
  try {
    read_series(folder.write("series.json", kHead + rest + "}"));
  } catch (const base::Error& error) {
    return error.message();
  }
  return "no error";
}

TEST(MeasuredCase, ACaseLiesOverTheSeriesDefaults) {
  const ScratchFolder folder;
  const Series series = read_series(folder.write(
      "mine.json", std::string(kHead) + R"("defaults": {"operation": "all_reduce", "ranks": 8},
        "cases": [{"message_size": "1 MiB", "time": "50 us"},
                  {"id": "four", "ranks": 4, "message_size": "1 MiB", "time": "40 us"}]})"));
  ASSERT_EQ(series.cases.size(), 2U);
  EXPECT_EQ(series.name, "mine");
  EXPECT_EQ(series.cases[0].id, "mine case 0");
  EXPECT_EQ(series.cases[0].ranks, 8);
  EXPECT_EQ(series.cases[1].id, "four");
  EXPECT_EQ(series.cases[1].ranks, 4);
  EXPECT_DOUBLE_EQ(series.cases[1].time->value, 40e-6);
}

TEST(MeasuredCase, RowsOfATableAreCasesAndSomeAreHeldOut) {
  const ScratchFolder folder;
  folder.write(
      "rows.csv",
      "operation,ranks,message_size [B],time [us]\nall_reduce,8,512,9\nall_reduce,4,512,8\n");
  const Series series = read_series(folder.write(
      "mine.json",
      std::string(kHead) + R"("table": "rows.csv", "held_out_where": {"ranks": [4]}})"));
  ASSERT_EQ(series.cases.size(), 2U);
  EXPECT_FALSE(series.cases[0].held_out);
  EXPECT_TRUE(series.cases[1].held_out);
  EXPECT_EQ(series.cases[1].id, "all_reduce 4 512 B");
}

TEST(MeasuredCase, WhatIsNoWholeCaseIsRefused) {
  EXPECT_EQ(error_of(R"("cases": [])"), "the series has no cases");
  EXPECT_EQ(error_of(R"("cases": [{"operation": "all_reduce", "message_size": "1 MiB"}])"),
            "a case has either a time or a bandwidth");
  EXPECT_EQ(error_of(R"("cases": [{"operation": "all_reduce", "time": "1 us"}])"),
            "the collective has no message_size");
  EXPECT_EQ(error_of(R"("cases": [{"operation": "dispatch", "time": "1 us"}])"),
            "a dispatch or combine needs its sizes");
  EXPECT_EQ(error_of(R"("cases": [{"operation": "all_reduce", "message_size": "1 MiB",
                                   "bandwidth": "5 GB/s"}])"),
            "a bandwidth counts rows, which only dispatch and combine have");
  EXPECT_EQ(error_of(R"("table": "rows.csv", "held_out_where": {"rank": [4]})"),
            "the table has no column \"rank\"");
  EXPECT_EQ(error_of(R"("table": "rows.csv")"), "no error");
}

TEST(MeasuredCase, EveryShippedSeriesReadsAndNamesItsCasesOnce) {
  const auto files = shipped_series();
  EXPECT_GE(files.size(), 20U);
  for (const auto& file : files) {
    const Series series = read_series(file);
    std::set<std::string> ids;
    for (const MeasuredCase& one : series.cases) {
      EXPECT_TRUE(ids.insert(one.id).second) << series.name << ": " << one.id;
    }
    EXPECT_LE(series.fitted.size(), 4U) << series.name;
    EXPECT_FALSE(series.source.empty()) << series.name;
  }
}

}  // namespace
}  // namespace moesim::experiments
