// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/latency_row.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

std::vector<LatencyRow> read(const std::string& text) {
  const auto file = std::filesystem::temp_directory_path() / "moesim_latency_row_test.csv";
  std::ofstream(file) << text;
  return read_latency_rows(file.string());
}

constexpr const char* kKeys =
    "engine,version,kernel,experts,topk,hidden,inter,distribution,tokens,latency_us\n";

LatencyRow layer_row() { return {"E", "1", "fused_moe", 4, 2, 64, 32, "balanced", 8, 12.5, ""}; }

TEST(LatencyRow, IsReadAndWrittenAlike) {
  const std::string text = std::string("# two lines\n# of remarks\n") + kKeys +
                           "E,1,fused_moe,4,2,64,32,balanced,8,12.5\n";
  const std::vector<LatencyRow> rows = read(text);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].inter, 32);
  EXPECT_EQ(rows[0].latency_us, 12.5);
  EXPECT_EQ(latency_rows_text(rows, "two lines\nof remarks"), text);
}

TEST(LatencyRow, BadRowsAreErrorsAtTheirLine) {
  try {
    read(std::string(kKeys) + "E,1,gemm,1,1,64,32,balanced,8,-1\n");
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    EXPECT_NE(error.where().find(".csv:2:"), std::string::npos) << error.where();
  }
  EXPECT_THROW(read(kKeys), base::Error);
  const auto message = [](const char* row) {
    return base::thrown_error([&] { read(std::string(kKeys) + row); }).message();
  };
  EXPECT_EQ(message("E,1,gemm,1,1,64,32,wobbly,8,1\n"), "there is no distribution \"wobbly\"");
  EXPECT_EQ(message("E,1,gemm,1,1,64,32,power_law_-1.2,8,1\n"),
            "there is no distribution \"power_law_-1.2\"");
  EXPECT_EQ(message("E,1,fused_moe,1,4,64,32,balanced,8,1\n"),
            "a token cannot have 4 of 1 experts");
}

// 8 tokens, top 2, 4 experts: 4 rows each. GEMMs [64] -> 2 x 32 and 32 -> 64; moved: 16 rows of 64
// + 32 elements around the activation and (16 + 8) rows of 64 in the sum, 2 bytes each.
TEST(LatencyRow, ALayerIsTwoGemmsAndWhatIsMoved) {
  const sim::KernelWork work = work_of(layer_row(), {}, 2);
  EXPECT_EQ(work.rows.total, 16);
  EXPECT_EQ(work.rows.largest, 4);
  EXPECT_EQ(work.gemms, (std::vector<sim::GemmShape>{{64, 64}, {64, 32}}));
  EXPECT_EQ(work.moved_bytes, 2 * (16 * 96 + 24 * 64));
  sim::CostTable table;
  table.plain = {{64, 32}};
  EXPECT_EQ(work_of(layer_row(), table, 2).gemms,
            (std::vector<sim::GemmShape>{{32, 64}, {64, 32}}));
}

// Permute reads 8 tokens and writes their 16 rows, combine the other way round. Causal scores of
// 100 tokens in sequences of 50: 25 keys on average, 4 FLOP each and element.
TEST(LatencyRow, SingleKernelsDoTheirOwnWork) {
  LatencyRow row = layer_row();
  row.kernel = sim::kGroupedGemm;
  EXPECT_EQ(family_of(row), sim::kGroupedGemm);
  EXPECT_EQ(work_of(row, {}, 4).gemms, (std::vector<sim::GemmShape>{{32, 64}}));
  row.kernel = sim::kPermute;
  EXPECT_EQ(work_of(row, {}, 4).moved_bytes, 4 * (8 + 16) * 64);
  row.kernel = sim::kCombine;
  EXPECT_EQ(work_of(row, {}, 4).moved_bytes, 4 * (16 + 8) * 64);
  row.kernel = sim::kAttention;
  row.inter = 50;
  row.tokens = 100;
  EXPECT_EQ(work_of(row, {}, 4).fused_flops, 4.0 * 100 * 25 * 64);
  row.kernel = sim::kGemm;
  EXPECT_EQ(work_of(row, {}, 4).rows.total, 100);
}

TEST(LatencyRow, IsLeftOutForTheTablesReason) {
  sim::CostTable table;
  table.excluded = {{"fused_moe", 4, std::nullopt, "power_law", "failed"}};
  EXPECT_EQ(exclusion_of(layer_row(), table), "");
  LatencyRow row = layer_row();
  row.distribution = "power_law_1.2";
  EXPECT_EQ(exclusion_of(row, table), "failed");
  row.experts = 8;
  EXPECT_EQ(exclusion_of(row, table), "");
}

}  // namespace
}  // namespace moesim::experiments
