// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/sqlite_table.h"

#include <fmt/format.h>

#include "tests/base/thrown_error.h"
#include "tests/experiments/results/stored_rows.h"

namespace moesim::experiments {
namespace {

// What is inside is read by Python's sqlite3 in tests/cli/tables_test.py.
class SqliteTable : public StoredRows {};

// Bytes 0 to 15 of every database: https://www.sqlite.org/fileformat.html, section 1.3.
TEST_F(SqliteTable, IsADatabaseUnderItsNameAlone) {
  write("results.ndjson", row(0, 7, "1", ",\"time_s\":1"));
  write("out.sqlite", "an earlier one");
  write("out.sqlite.partial", "a stopped one");
  write_sqlite(read_run(folder_), folder_ / "out.sqlite");
  EXPECT_EQ(text_of("out.sqlite").substr(0, 15), "SQLite format 3");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.sqlite.partial"));
}

// 2,000 numbers and the six columns before them are six more than SQLite takes.
TEST_F(SqliteTable, TakesAsManyColumnsAsThereCanBe) {
  std::string numbers;
  for (int i = 0; i < 2000; ++i) numbers += fmt::format(",\"n{}\":{}", i, i);
  write("results.ndjson", row(0, 7, "1", numbers));
  EXPECT_NO_THROW(write_sqlite(read_run(folder_), folder_ / "out.sqlite"));
}

TEST_F(SqliteTable, WhereItCannotBeWrittenTheErrorNamesTheFile) {
  write("results.ndjson", row(0, 7, "1", ""));
  const std::filesystem::path path = folder_ / "missing" / "out.sqlite";
  const base::Error error = base::thrown_error([&] { write_sqlite(read_run(folder_), path); });
  EXPECT_EQ(error.where(), path.string());
  EXPECT_EQ(error.message(), "cannot be written: unable to open database file");
}

}  // namespace
}  // namespace moesim::experiments
