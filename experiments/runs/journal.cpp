// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "base/json_value.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kSyncEvery(500);
constexpr std::string_view kStatus = "{\"status\":\"";
constexpr std::string_view kPoint = ",\"point\":\"";
constexpr std::string_view kIndex = "\",\"index\":";

[[noreturn]] void fail_at(const std::string& where) {
  throw base::Error(where, "is no row of a run's results", "restore the file, or run with --fresh");
}

// Inside a string every quotation mark has a backslash before it, so the key is found nowhere else.
std::size_t index_begin(std::string_view line, const std::string& where) {
  const std::size_t point = line.find(kPoint);
  if (point == std::string_view::npos) fail_at(where);
  const std::size_t index = line.find(kIndex, point + kPoint.size());
  if (index == std::string_view::npos) fail_at(where);
  return index + kIndex.size();
}

std::string with_index(const std::string& line, std::size_t index, const std::string& where) {
  const std::size_t begin = index_begin(line, where);
  const std::size_t end = line.find_first_not_of("0123456789", begin);
  return line.substr(0, begin) + std::to_string(index) + line.substr(end);
}

bool is_whole(const std::string& line) {
  try {
    base::parse_json(line, "row");
    return true;
  } catch (const base::Error&) {
    return false;
  }
}

// Waits until the file's bytes are on the disk, before it takes another's name.
void sync_file(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  fdatasync(descriptor);
  close(descriptor);
}

}  // namespace

JournalRow read_row_head(std::string_view line, const std::string& where) {
  if (!line.starts_with(kStatus) || !line.ends_with('}')) fail_at(where);
  JournalRow row;
  row.status = line.substr(kStatus.size(), line.find('"', kStatus.size()) - kStatus.size());
  const std::size_t index = index_begin(line, where);
  const auto [end, failure] =
      std::from_chars(line.data() + index, line.data() + line.size(), row.index);
  if (failure != std::errc()) fail_at(where);
  const std::size_t id = line.find(kPoint) + kPoint.size();
  row.id = line.substr(id, index - kIndex.size() - id);
  row.size = line.size();
  return row;
}

Journal::Journal(fs::path path) : path_(std::move(path)) {
  std::error_code unknown;
  if (fs::is_regular_file(path_, unknown)) read_rows();
}

Journal::~Journal() {
  if (descriptor_ < 0) return;
  sync();
  close(descriptor_);
}

void Journal::read_rows() {
  std::ifstream file(path_, std::ios::binary);
  const auto take = [this](const std::string& line) {
    rows_.push_back(
        read_row_head(line, path_.string() + " line " + std::to_string(rows_.size() + 1)));
    rows_.back().begin = size_;
    size_ += line.size() + 1;
  };
  std::string line;
  std::string next;
  bool has_line = static_cast<bool>(std::getline(file, line)) && !file.eof();
  while (has_line && std::getline(file, next) && !file.eof()) {
    take(line);
    std::swap(line, next);
  }
  // What was being written when the program ended has no line's end or, after a power cut, no text.
  if (has_line && is_whole(line)) take(line);
  file.close();
  std::error_code failure;
  if (fs::file_size(path_, failure) != size_ && !failure) fs::resize_file(path_, size_, failure);
  if (failure) {
    throw base::Error(path_.string(), "cannot be mended: " + failure.message(),
                      "check the file's permissions");
  }
}

std::string Journal::text_of(const JournalRow& row) const {
  std::string text(row.size, '\0');
  const int file = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t count =
      file < 0 ? -1 : pread(file, text.data(), text.size(), static_cast<off_t>(row.begin));
  if (file >= 0) close(file);
  if (count != static_cast<ssize_t>(text.size())) {
    throw base::Error(path_.string(), "has become shorter", "leave the file to moesim");
  }
  return text;
}

void Journal::open_for_appending() {
  descriptor_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail();
}

void Journal::fail() const {
  throw base::Error(path_.string(), std::string("cannot be written: ") + strerror(errno),
                    "make room on the disk; the same command goes on with what is recorded");
}

void Journal::append(const std::string& row) {
  if (descriptor_ < 0) open_for_appending();
  const std::string line = row + '\n';
  ssize_t count = 0;
  do {
    count = write(descriptor_, line.data(), line.size());
  } while (count < 0 && errno == EINTR);
  if (count != static_cast<ssize_t>(line.size())) {
    if (count >= 0) errno = ENOSPC;
    const int reason = errno;
    // Where even this fails, the half row is left for the next reader to cut off.
    if (count > 0 && ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) errno = reason;
    errno = reason;
    fail();
  }
  rows_.push_back(read_row_head(row, path_.string()));
  rows_.back().begin = size_;
  size_ += line.size();
  is_synced_ = false;
  if (std::chrono::steady_clock::now() - last_sync_ >= kSyncEvery) sync();
}

void Journal::sync() {
  if (descriptor_ < 0 || is_synced_) return;
  fdatasync(descriptor_);
  is_synced_ = true;
  last_sync_ = std::chrono::steady_clock::now();
}

void Journal::rewrite(std::vector<JournalRow> rows) {
  fs::path unfinished = path_;
  unfinished += ".partial";
  std::ifstream old(path_, std::ios::binary);
  std::ofstream fresh(unfinished, std::ios::binary);
  std::size_t size = 0;
  std::string line;
  for (JournalRow& row : rows) {
    line.resize(row.size);
    old.seekg(static_cast<std::streamoff>(row.begin));
    old.read(line.data(), static_cast<std::streamsize>(line.size()));
    line = with_index(line, row.index, path_.string());
    row.begin = size;
    row.size = line.size();
    fresh << line << '\n';
    size += line.size() + 1;
  }
  fresh.close();
  std::error_code failure;
  if (!old || !fresh) {
    const int reason = errno;
    fs::remove(unfinished, failure);
    errno = reason;
    fail();
  }
  sync_file(unfinished);
  fs::rename(unfinished, path_, failure);
  if (failure) throw base::Error(path_.string(), "cannot be replaced: " + failure.message(), "");
  if (descriptor_ >= 0) close(std::exchange(descriptor_, -1));
  is_synced_ = true;
  rows_ = std::move(rows);
  size_ = size;
}

void Journal::sort() {
  const auto by_index = [](const JournalRow& a, const JournalRow& b) { return a.index < b.index; };
  if (std::is_sorted(rows_.begin(), rows_.end(), by_index)) return;
  std::vector<JournalRow> rows = rows_;
  std::stable_sort(rows.begin(), rows.end(), by_index);
  rewrite(std::move(rows));
}

}  // namespace moesim::experiments
