// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/run_directory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/file_bytes.h"
#include "base/json_value.h"
#include "experiments/results/csv_table.h"
#include "experiments/results/sqlite_table.h"
#include "experiments/runs/point_files.h"
#include "experiments/runs/shard.h"
#include "experiments/sweep/sweep_values.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

constexpr const char* kResults = "results.ndjson";
// What a manifest takes the time to list and to hash.
constexpr std::size_t kMostListedPoints = 1000;
constexpr std::uintmax_t kLargestHashed = 64 << 20;

void make_folder(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure) {
    throw base::Error(path.string(), "cannot be made: " + failure.message(),
                      "choose another folder with --output");
  }
}

// All files below the folder but the manifest and the lock; of many points' folders none.
std::vector<fs::path> files_below(const fs::path& root, std::size_t num_points) {
  std::vector<fs::path> files;
  fs::recursive_directory_iterator entry(root);
  for (; entry != fs::recursive_directory_iterator(); ++entry) {
    const fs::path& path = entry->path();
    const bool is_listed = path != root / "points" || num_points <= kMostListedPoints;
    if (entry->is_directory() && !is_listed) entry.disable_recursion_pending();
    const bool is_own = path == root / kManifestFile || path.filename() == ".lock";
    if (entry->is_regular_file() && !is_own) files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  return files;
}

base::JsonValue list_files(const fs::path& root, std::size_t num_points) {
  base::JsonValue list = base::json_array();
  for (const fs::path& file : files_below(root, num_points)) {
    const std::uintmax_t size = fs::file_size(file);
    base::JsonValue entry = base::json_object();
    base::add_member(entry, "path", base::json_of(file.lexically_relative(root).string()));
    base::add_member(entry, "bytes", base::json_of(static_cast<std::int64_t>(size)));
    if (size <= kLargestHashed) {
      const std::string hash = base::sha256_of_file(file, "check its permissions");
      base::add_member(entry, "sha256", base::json_of(hash));
    }
    list.items.push_back(std::move(entry));
  }
  return list;
}

// What a worker that was stopped had begun to write.
void remove_unfinished(const fs::path& root) {
  std::vector<fs::path> unfinished;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".partial") unfinished.push_back(entry.path());
  }
  std::error_code failure;
  for (const fs::path& file : unfinished) fs::remove(file, failure);
}

// "20260131T235959Z-0123abcd", with "-2of3" for a shard.
std::string stem_of(const RunManifest& manifest) {
  std::string stem = utc_now("%Y%m%dT%H%M%SZ") + "-" + manifest.config_hash;
  if (manifest.shard.empty()) return stem;
  const Shard shard = parse_shard(manifest.shard);
  return stem + "-" + std::to_string(shard.number) + "of" + std::to_string(shard.count);
}

// Gives a folder that is complete its name; two runs of one second get different ones.
fs::path put_at(const fs::path& folder, const fs::path& parent, const std::string& stem) {
  for (int twin = 1;; ++twin) {
    const fs::path path = parent / (twin == 1 ? stem : stem + "-" + std::to_string(twin));
    std::error_code failure;
    if (fs::exists(path, failure)) continue;
    fs::rename(folder, path, failure);
    if (!failure) return path;
    if (failure == std::errc::directory_not_empty || failure == std::errc::file_exists) continue;
    throw base::Error(path.string(), "cannot be made: " + failure.message(),
                      "choose another folder with --output");
  }
}

}  // namespace

void write_beginning(const fs::path& folder, const RunManifest& manifest,
                     const fs::path& experiment_file) {
  write_file(folder / "config.input.json",
             base::InputFile(experiment_file, "keep the experiment's file where it is").text());
  write_file(folder / kManifestFile, base::to_text(to_json(manifest)) + "\n");
}

RunDirectory::RunDirectory(const fs::path& root, RunManifest manifest,
                           const fs::path& experiment_file)
    : manifest_(std::move(manifest)) {
  const fs::path parent = root / manifest_.name;
  make_folder(parent);
  // Others see the folder only when it is a run's, and locked.
  static int made = 0;
  const fs::path fresh =
      parent / (".new-" + std::to_string(getpid()) + "-" + std::to_string(made++));
  make_folder(fresh);
  try {
    lock_ = std::make_unique<DirectoryLock>(fresh);
    write_beginning(fresh, manifest_, experiment_file);
    path_ = put_at(fresh, parent, stem_of(manifest_));
  } catch (...) {
    std::error_code failure;
    fs::remove_all(fresh, failure);
    throw;
  }
  journal_ = std::make_unique<Journal>(path_ / kResults);
}

RunDirectory::RunDirectory(fs::path folder, RunManifest manifest,
                           std::unique_ptr<DirectoryLock> lock, std::unique_ptr<Journal> journal)
    : path_(std::move(folder)),
      manifest_(std::move(manifest)),
      lock_(std::move(lock)),
      journal_(std::move(journal)) {}

fs::path point_folder_name(const Point& point) {
  return fs::path("points") / fmt::format("{:04}-{}", point.index, as_file_name(point.label));
}

std::vector<std::size_t> RunDirectory::missing_points() const {
  const Shard shard = manifest_.shard.empty() ? Shard{} : parse_shard(manifest_.shard);
  std::vector<bool> has_row(manifest_.num_points);
  for (const JournalRow& row : journal_->rows()) has_row.at(row.index) = true;
  std::vector<std::size_t> missing;
  for (std::size_t index = 0; index < has_row.size(); ++index) {
    if (!has_row[index] && shard.has(index)) missing.push_back(index);
  }
  return missing;
}

fs::path RunDirectory::point_folder(const Point& point) {
  if (manifest_.num_points == 1) return path_;
  const fs::path folder = path_ / point_folder_name(point);
  std::error_code unknown;
  if (fs::is_directory(folder, unknown)) fs::remove_all(folder, unknown);  // a stopped worker's
  make_folder(folder);
  return folder;
}

void RunDirectory::drop_point_folder(const Point& point) {
  std::error_code failure;
  if (manifest_.num_points > 1) fs::remove_all(path_ / point_folder_name(point), failure);
}

void RunDirectory::write_tables(const std::string& status) const {
  if (journal_->rows().empty()) return;
  StoredRun run = read_run(path_);
  run.status = status;
  write_csv(run, path_ / "results.csv");
  write_sqlite(run, path_ / "results.sqlite");
}

bool RunDirectory::has_failed() const {
  const auto& rows = journal_->rows();
  return std::any_of(rows.begin(), rows.end(),
                     [](const auto& row) { return row.status == "failed"; });
}

std::string RunDirectory::status_of_rows() const {
  if (!missing_points().empty()) return "interrupted";
  return has_failed() ? "points failed" : "complete";
}

void RunDirectory::finish(const std::string& status) {
  journal_->sync();
  journal_->sort();
  remove_unfinished(path_);
  manifest_.status = status;
  write_tables(status);
  base::JsonValue whole = to_json(manifest_);
  base::add_member(whole, "end", base::json_of(utc_now()));
  base::add_member(whole, "files", list_files(path_, manifest_.num_points));
  write_file(path_ / kManifestFile, base::to_text(whole) + "\n");

  if (is_unfinished(manifest_) || !manifest_.shard.empty()) return;
  const fs::path latest = path_.parent_path() / "latest";
  const fs::path fresh = path_.parent_path() / (".latest-" + std::to_string(getpid()));
  // Best effort: not every file system has links, and the results are complete without this one.
  std::error_code failure;
  fs::remove(fresh, failure);
  fs::create_directory_symlink(path_.filename(), fresh, failure);
  if (!failure) fs::rename(fresh, latest, failure);
  if (failure) fs::remove(fresh, failure);
}

void RunDirectory::discard() {
  std::error_code failure;
  fs::remove_all(path_, failure);
  // The experiment's folder goes too when this run was its first.
  fs::remove(path_.parent_path(), failure);
}

}  // namespace moesim::experiments
