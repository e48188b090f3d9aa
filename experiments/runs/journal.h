// SPDX-License-Identifier: Apache-2.0
// results.ndjson, the record of which points have ended: rows are only ever appended, each whole or
// not at all, so whatever ends the program leaves every row that was written before.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace moesim::experiments {

struct JournalRow {
  std::string id;  // the point's
  std::string status;
  std::size_t index = 0;  // in the sweep
  std::size_t begin = 0;  // bytes of the file
  std::size_t size = 0;   // without the line's end
};

// What tells a row apart, found without reading its figures; `begin` is 0. Throws base::Error at
// `where` for what `moesim run` has not written.
JournalRow read_row_head(std::string_view line, const std::string& where);

class Journal {
 public:
  // Reads what is there; a last line that was cut off in the middle is removed. The file is made
  // with the first row. Throws base::Error for a damaged line and where the disk does not let it.
  explicit Journal(std::filesystem::path path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  const std::filesystem::path& path() const { return path_; }
  const std::vector<JournalRow>& rows() const { return rows_; }
  std::string text_of(const JournalRow& row) const;

  // One write(2) of the row and its line's end; what does not fit on the disk whole is taken back,
  // and an error. Asks the disk for durability at most every half second.
  void append(const std::string& row);
  void sync();
  // Replaces the file at once by these of its rows, in this order, under the indices they have.
  void rewrite(std::vector<JournalRow> rows);
  // Rows by index, so that the bytes do not depend on which point ended first.
  void sort();

 private:
  void read_rows();
  void open_for_appending();
  [[noreturn]] void fail() const;

  std::filesystem::path path_;
  std::vector<JournalRow> rows_;
  std::size_t size_ = 0;
  int descriptor_ = -1;
  bool is_synced_ = true;
  std::chrono::steady_clock::time_point last_sync_;
};

}  // namespace moesim::experiments
