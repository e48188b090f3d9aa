// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/sqlite_table.h"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "experiments/results/result_table.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostColumns = 2000;  // SQLITE_MAX_COLUMN's default

// A name as SQL takes it.
std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

class Database {
 public:
  Database(const fs::path& path, const fs::path& shown) : shown_(shown.string()) {
    check(sqlite3_open(path.c_str(), &database_));
    // The file has no readers before it has its name, and is made again when the program ends here.
    execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
  }
  ~Database() { sqlite3_close(database_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const std::string& sql) {
    check(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr));
  }

  // Makes the table and what inserts a row into it.
  void make_table(const std::string& name, const std::vector<std::string>& columns) {
    std::string definition;
    std::string places;
    for (const std::string& column : columns) {
      definition += (definition.empty() ? "" : ", ") + quoted(column);
      places += places.empty() ? "?" : ", ?";
    }
    execute("CREATE TABLE " + name + " (" + definition + ")");
    sqlite3_stmt* statement = nullptr;
    const std::string insert = "INSERT INTO " + name + " VALUES (" + places + ")";
    check(sqlite3_prepare_v2(database_, insert.c_str(), -1, &statement, nullptr));
    insert_.reset(statement);
  }

  void add_row(const TableRow& row, std::size_t num_columns) {
    for (std::size_t column = 0; column < num_columns; ++column) {
      check(bind(static_cast<int>(column) + 1, row[column]));
    }
    if (sqlite3_step(insert_.get()) != SQLITE_DONE) fail();
    check(sqlite3_reset(insert_.get()));
  }

  void finish() {
    insert_.reset();
    execute("COMMIT");
  }

 private:
  int bind(int place, const Cell& cell) {
    const char* end = cell.text.data() + cell.text.size();
    switch (cell.kind) {
      case Cell::Kind::null:
        return sqlite3_bind_null(insert_.get(), place);
      case Cell::Kind::boolean:
        return sqlite3_bind_int(insert_.get(), place, cell.text == "true" ? 1 : 0);
      case Cell::Kind::text:
        return sqlite3_bind_text(insert_.get(), place, cell.text.data(),
                                 static_cast<int>(cell.text.size()), SQLITE_TRANSIENT);
      case Cell::Kind::number:
        break;
    }
    std::int64_t integer = 0;
    const auto whole = std::from_chars(cell.text.data(), end, integer);
    if (whole.ec == std::errc() && whole.ptr == end) {
      return sqlite3_bind_int64(insert_.get(), place, integer);
    }
    double real = 0;
    std::from_chars(cell.text.data(), end, real);
    return sqlite3_bind_double(insert_.get(), place, real);
  }

  void check(int code) {
    if (code != SQLITE_OK) fail();
  }
  [[noreturn]] void fail() {
    throw base::Error(shown_, std::string("cannot be written: ") + sqlite3_errmsg(database_),
                      "check the folder's permissions and the disk's space");
  }

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  std::string shown_;
  sqlite3* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> insert_;
};

void fill(Database& database, const StoredRun& run) {
  std::vector<std::string> columns = table_columns(run);
  columns.resize(std::min(columns.size(), kMostColumns));
  database.make_table("points", columns);
  for_each_row(run, [&](const TableRow& row) { database.add_row(row, columns.size()); });

  std::string axes;
  for (const std::string& axis : run.axes) axes += (axes.empty() ? "" : ",") + axis;
  const auto text = [](const std::string& value) { return Cell{Cell::Kind::text, value}; };
  database.make_table("run",
                      {"name", "question", "status", "command", "moesim", "axes", "num_points"});
  database.add_row(
      {text(run.name), text(run.question), text(run.status), text(run.command), text(run.moesim),
       text(axes), Cell{Cell::Kind::number, std::to_string(run.num_points)}},
      7);
  database.finish();
}

}  // namespace

void write_sqlite(const StoredRun& run, const fs::path& path) {
  fs::path unfinished = path;
  unfinished += ".partial";
  std::error_code failure;
  fs::remove(unfinished, failure);
  try {
    Database database(unfinished, path);
    fill(database, run);
  } catch (...) {
    fs::remove(unfinished, failure);
    throw;
  }
  fs::rename(unfinished, path, failure);
  if (failure) {
    throw base::Error(path.string(), "cannot be written: " + failure.message(),
                      "name another file");
  }
}

}  // namespace moesim::experiments
