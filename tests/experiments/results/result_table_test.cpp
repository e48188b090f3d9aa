// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/result_table.h"

#include "tests/experiments/results/stored_rows.h"

namespace moesim::experiments {
namespace {

class ResultTable : public StoredRows {};

TEST_F(ResultTable, HasAColumnForEachAxisAndNumber) {
  write("results.ndjson",
        row(0, 7, "1.50", R"(,"time_s":1e-3,"phase":{"a":2})") + row(1, 8, "null", R"(,"b":3)"));
  const StoredRun run = read_run(folder_);
  EXPECT_EQ(table_columns(run),
            (std::vector<std::string>{"index", "id", "status", "reason", "router.seed",
                                      "router.capacity_factor", "time_s", "phase.a", "b"}));
  std::vector<std::string> texts;
  for_each_row(run, [&](const TableRow& cells) {
    std::string text;
    for (const Cell& cell : cells) text += (cell.kind == Cell::Kind::null ? "-" : cell.text) + " ";
    texts.push_back(text);
  });
  EXPECT_EQ(texts,
            (std::vector<std::string>{"0 id0 ok  7 1.50 1e-3 2 - ", "1 id1 ok  8 - - - 3 "}));
}

TEST_F(ResultTable, ANumberThatIsCalledLikeAnAxisIsLeftOut) {
  write("results.ndjson", row(0, 7, "1", R"(,"Index":9,"router":{"seed":9},"time_s":2)"));
  EXPECT_EQ(table_columns(read_run(folder_)),
            (std::vector<std::string>{"index", "id", "status", "reason", "router.seed",
                                      "router.capacity_factor", "time_s"}));
}

}  // namespace
}  // namespace moesim::experiments
