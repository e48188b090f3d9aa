// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/run_directory.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/json_value.h"
#include "base/named_table.h"
#include "base/sha256.h"
#include "experiments/build_info.h"
#include "experiments/runs/point_files.h"
#include "experiments/sweep/sweep_values.h"

namespace moesim::experiments {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMoment = "%Y-%m-%dT%H:%M:%SZ";
constexpr const char* kManifest = "manifest.json";

std::string utc_now(const char* format) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format(fmt::runtime(std::string("{:") + format + "}"), fmt::gmtime(now));
}

std::string read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

void make_folder(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (failure) {
    throw base::Error(path.string(), "cannot be made: " + failure.message(),
                      "choose another folder with --output");
  }
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

base::JsonValue list_files(const fs::path& root) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const bool is_own = entry.path() == root / kManifest;
    if (entry.is_regular_file() && !is_own) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  base::JsonValue list = base::json_array();
  for (const fs::path& file : files) {
    const std::string bytes = read_bytes(file);
    base::JsonValue entry = base::json_object();
    base::add_member(entry, "path", base::json_of(fs::relative(file, root).string()));
    base::add_member(entry, "bytes", base::json_of(static_cast<std::int64_t>(bytes.size())));
    base::add_member(entry, "sha256", base::json_of(base::sha256_hex(bytes)));
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

}  // namespace

RunDirectory::RunDirectory(const fs::path& root, const Sweep& sweep,
                           const fs::path& experiment_file, const std::string& command)
    : num_points_(sweep.points.size()), command_(command), started_(utc_now(kMoment)) {
  name_ = sweep.name;
  question_ = sweep.question;
  axes_ = sweep.axes;
  objectives_ = sweep.objectives;
  std::string identities;
  for (const Point& point : sweep.points) identities += point.id;
  config_hash_ = base::sha256_hex(identities).substr(0, 8);
  const fs::path parent = root / sweep.name;
  const std::string stem = utc_now("%Y%m%dT%H%M%SZ") + "-" + config_hash_;
  path_ = parent / stem;
  make_folder(parent);
  std::error_code failure;
  // Two runs of one second get different folders.
  for (int twin = 2; !fs::create_directory(path_, failure) && !failure; ++twin) {
    path_ = parent / (stem + "-" + std::to_string(twin));
  }
  make_folder(path_);
  write_file(path_ / "config.input.json", read_bytes(experiment_file));
  write_file(path_ / kManifest, base::to_text(manifest("running")) + "\n");
}

fs::path RunDirectory::name_of_folder(const Point& point) const {
  return path_ / "points" / fmt::format("{:04}-{}", point.index, as_file_name(point.label));
}

fs::path RunDirectory::point_folder(const Point& point) {
  if (num_points_ == 1) return path_;
  const fs::path folder = name_of_folder(point);
  make_folder(folder);
  return folder;
}

void RunDirectory::drop_point_folder(const Point& point) {
  std::error_code failure;
  if (num_points_ > 1) fs::remove_all(name_of_folder(point), failure);
}

void RunDirectory::append_result(const std::string& line) {
  const fs::path path = path_ / "results.ndjson";
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << line << '\n';
  file.close();
  if (!file) throw base::Error(path.string(), "cannot be written", "is the disk full?");
}

// The manifest as far as it is known at the start.
base::JsonValue RunDirectory::manifest(const std::string& status) const {
  base::JsonValue manifest = base::json_object();
  base::add_member(manifest, "moesim", base::json_of(build_version()));
  base::add_member(manifest, "commit", base::json_of(build_commit()));
  base::JsonValue& versions = base::add_member(manifest, "versions", base::json_object());
  for (const auto& [name, version] : component_versions()) {
    base::add_member(versions, name, base::json_of(version));
  }
  base::add_member(manifest, "name", base::json_of(name_));
  base::add_member(manifest, "question", base::json_of(question_));
  base::JsonValue& axes = base::add_member(manifest, "axes", base::json_array());
  for (const std::string& axis : axes_) axes.items.push_back(base::json_of(axis));
  base::JsonValue& objectives = base::add_member(manifest, "objectives", base::json_object());
  for (const auto& [figure, direction] : objectives_) {
    base::add_member(objectives, figure, base::json_of(base::name_in_words(direction)));
  }
  base::add_member(manifest, "num_points", base::json_of(static_cast<std::int64_t>(num_points_)));
  base::add_member(manifest, "command", base::json_of(command_));
  base::add_member(manifest, "host", base::json_of(host_name()));
  base::add_member(manifest, "config_hash", base::json_of(config_hash_));
  base::add_member(manifest, "start", base::json_of(started_));
  base::add_member(manifest, "status", base::json_of(status));
  return manifest;
}

void RunDirectory::finish(const std::string& status) {
  remove_unfinished(path_);
  base::JsonValue whole = manifest(status);
  base::add_member(whole, "end", base::json_of(utc_now(kMoment)));
  base::add_member(whole, "files", list_files(path_));
  write_file(path_ / kManifest, base::to_text(whole) + "\n");

  if (status != "complete" && status != "points failed") return;
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
