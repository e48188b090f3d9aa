// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/csv_table.h"

#include "tests/base/thrown_error.h"
#include "tests/experiments/results/stored_rows.h"

namespace moesim::experiments {
namespace {

class CsvTable : public StoredRows {};

TEST_F(CsvTable, QuotesWhatTheCommaAndTheQuotationMarkWouldBreak) {
  EXPECT_EQ(csv_line({"", "a", "b,c", "d\"e", "f\ng", ""}), ",a,\"b,c\",\"d\"\"e\",\"f\ng\",\r\n");
}

TEST_F(CsvTable, KeepsTheNumbersText) {
  write("results.ndjson", row(0, 7, "1.50", R"(,"time_s":1e-3)") + row(1, 8, "null", ""));
  write_csv(read_run(folder_), folder_ / "out.csv");
  EXPECT_EQ(text_of("out.csv"),
            "index,id,status,reason,router.seed,router.capacity_factor,time_s\r\n"
            "0,id0,ok,,7,1.50,1e-3\r\n"
            "1,id1,ok,,8,,\r\n");
}

TEST_F(CsvTable, WhereItCannotBeWrittenNothingIsLeft) {
  write("results.ndjson", row(0, 7, "1", ""));
  const std::filesystem::path path = folder_ / "missing" / "out.csv";
  const base::Error error = base::thrown_error([&] { write_csv(read_run(folder_), path); });
  EXPECT_EQ(error.where(), path.string());
}

}  // namespace
}  // namespace moesim::experiments
