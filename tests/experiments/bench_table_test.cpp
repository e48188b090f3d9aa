// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench_table.h"

#include <gtest/gtest.h>

#include "base/json_value.h"

namespace moesim::experiments {
namespace {

constexpr ElementType kFloat{"float", 4};

BenchColumn column_of(const std::string& label, const std::string& collective) {
  BenchColumn column;
  column.variant.label = label;
  column.variant.request.cluster = "h100_single_switch";
  column.variant.request.ranks = "8";
  column.variant.request.collective = collective;
  column.bench.emplace(bench_case(column.variant));
  return column;
}

BenchColumn failed_column(const std::string& label) {
  BenchColumn column;
  column.variant.label = label;
  column.variant.request.cluster = "no such";
  column.error.emplace("--cluster", "there is none", "name one");
  return column;
}

// 1 MB in 1 ms is 1 GB/s.
BenchFigures figures_of(double time_s) {
  BenchFigures figures;
  figures.time = base::Seconds(time_s);
  figures.floor = base::Seconds(time_s / 2);
  figures.algbw = base::Bytes(1e6) / figures.time;
  figures.busbw = figures.algbw * 0.5;
  figures.wall_s = 3;
  return figures;
}

// An all_to_all of 8 ranks cuts its buffer into 8 blocks, an all_reduce into none.
TEST(BenchTable, SizesAreWholeElementsOfEachBlock) {
  EXPECT_EQ(granule_of(kFloat, *column_of("", "all_to_all").bench).value, 32);
  EXPECT_EQ(granule_of(kFloat, *column_of("", "all_reduce").bench).value, 4);
}

TEST(BenchTable, ALoneColumnHasNoRatioAndNoLabel) {
  std::vector<BenchColumn> columns;
  columns.push_back(column_of("", "all_reduce"));
  EXPECT_EQ(table_head(columns),
            "# all_reduce hierarchical on 8 of 8 ranks of h100_single_switch, fidelity collective\n"
            "#         size         count      type         time    algbw   busbw\n"
            "#          (B)    (elements)                   (us)   (GB/s)  (GB/s)\n");
  EXPECT_EQ(table_row(columns, {base::Bytes(1e6), kFloat, {figures_of(1e-3)}}),
            "       1000000        250000     float      1000.00     1.00    0.50\n");
}

TEST(BenchTable, TheHeadNamesASkewThatThereIs) {
  for (const char* collective : {"all_to_all", "all_reduce"}) {
    BenchVariant variant{"", {}};
    variant.request.cluster = "h100_single_switch";
    variant.request.ranks = "8";
    variant.request.collective = collective;
    variant.request.assignments = {"routing.synthetic.distribution=zipf"};
    std::vector<BenchColumn> columns(1);
    columns[0].bench.emplace(bench_case(variant));
    const bool named = table_head(columns).find(", skew zipf seed 0") != std::string::npos;
    EXPECT_EQ(named, std::string(collective) == "all_to_all");
  }
}

TEST(BenchTable, AFailedColumnHasDashesAndSoHaveRatiosToIt) {
  std::vector<BenchColumn> columns;
  columns.push_back(failed_column("a"));
  columns.push_back(column_of("b", "all_reduce"));
  EXPECT_TRUE(table_head(columns).starts_with("# a: -\n# b: all_reduce hierarchical on 8 of 8 "));
  EXPECT_EQ(table_row(columns, {base::Bytes(1e6), kFloat, {{}, figures_of(1e-3)}}),
            "       1000000        250000     float            -        -       -      1000.00     "
            "1.00    0.50       -\n");
  columns.clear();
  for (const char* label : {"a", "b"}) columns.push_back(column_of(label, "all_reduce"));
  columns.push_back(failed_column("c"));
  EXPECT_EQ(
      table_row(columns, {base::Bytes(1e6), kFloat, {figures_of(1e-3), figures_of(2e-3), {}}}),
      "       1000000        250000     float      1000.00     1.00    0.50      2000.00     0.50  "
      " "
      " 0.25   2.000            -        -       -       -\n");
}

TEST(BenchTable, ALineSaysTheFiguresOrTheError) {
  std::vector<BenchColumn> columns;
  columns.push_back(column_of("a", "all_to_all"));
  columns.push_back(failed_column("b"));
  const std::string lines =
      json_lines(columns, {base::Bytes(1e6), kFloat, {figures_of(1e-3), {}}}, true);
  const std::size_t end = lines.find('\n');
  const base::JsonValue sound = base::parse_json(lines.substr(0, end), "first");
  EXPECT_EQ(sound.find("skew")->text, "uniform");
  EXPECT_EQ(sound.find("count")->number, 31250);
  EXPECT_EQ(sound.find("time_s")->number, 1e-3);
  EXPECT_EQ(sound.find("wall_s")->number, 3);
  EXPECT_EQ(sound.find("error"), nullptr);
  const base::JsonValue failed = base::parse_json(lines.substr(end + 1), "second");
  EXPECT_EQ(failed.find("label")->text, "b");
  EXPECT_EQ(failed.find("size_bytes")->number, 1e6);
  EXPECT_EQ(failed.find("error")->text, "--cluster: there is none");
  EXPECT_EQ(failed.find("time_s"), nullptr);
}

}  // namespace
}  // namespace moesim::experiments
