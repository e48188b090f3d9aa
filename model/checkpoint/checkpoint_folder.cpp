// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/file_bytes.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLatest = "latest";
constexpr const char* kOfRun = "checkpoints";       // in the folder of a training run
constexpr const char* kUnfinished = ".unfinished";  // the folder that is being written
constexpr std::string_view kPrefix = "step_";

// "step_" and digits, where a second try for the same step adds "." and digits.
bool is_checkpoint_name(std::string_view name) {
  return name.size() > kPrefix.size() && name.size() < 40 && name.starts_with(kPrefix) &&
         name.find_first_not_of("0123456789.", kPrefix.size()) == std::string_view::npos;
}

// A name that no folder has: an earlier run may have left one of the same step, which must stay
// until `latest` names another.
std::string free_name(const fs::path& root, int step) {
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "%08d", step);
  const std::string name = std::string(kPrefix) + digits.data();
  if (!fs::exists(root / name)) return name;
  for (int attempt = 2;; ++attempt) {
    std::string other = name + "." + std::to_string(attempt);
    if (!fs::exists(root / other)) return other;
  }
}

// The name in `latest`; "" where there is none, or it is no name of a checkpoint.
std::string latest_name(const fs::path& root) {
  std::error_code failure;
  if (!fs::is_regular_file(root / kLatest, failure)) return {};
  const base::InputFile file(root / kLatest, "write the name of a checkpoint's folder into it");
  std::vector<std::uint8_t> bytes(std::min<std::uint64_t>(file.size(), 64));
  file.read(0, bytes);
  std::string name(bytes.begin(), bytes.end());
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return is_checkpoint_name(name) ? name : std::string{};
}

std::vector<std::string> checkpoint_names(const fs::path& root) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::directory_iterator entry(root, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (is_checkpoint_name(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Steps and attempt in a checkpoint's name, by which the newer one is the larger.
std::array<std::uint64_t, 2> age_of(const std::string& name) {
  std::array<std::uint64_t, 2> numbers{};
  const char* const end = name.data() + name.size();
  const auto step = std::from_chars(name.data() + kPrefix.size(), end, numbers[0]);
  if (step.ptr != end) std::from_chars(step.ptr + 1, end, numbers[1]);
  return numbers;
}

// The name of the newest complete checkpoint; "" where there is none. Its folder was renamed when
// it was complete, and its manifest was the last file that was written.
std::string newest_complete(const fs::path& root) {
  std::string newest;
  std::error_code failure;
  for (const std::string& name : checkpoint_names(root)) {
    if (!fs::exists(root / name / kCheckpointManifest, failure)) continue;
    if (newest.empty() || age_of(newest) < age_of(name)) newest = name;
  }
  return newest;
}

std::string hint_of_others(const fs::path& root, const std::string& except) {
  std::string list;
  for (const std::string& name : checkpoint_names(root)) {
    if (name != except) list += (list.empty() ? "" : ", ") + (root / name).string();
  }
  return list.empty() ? "name a folder that a training run wrote"
                      : "name one yourself: " + list +
                            "; to go on from one, write its folder's name into latest";
}

void add_folder(const fs::path& root, int step, const std::function<void(const fs::path&)>& write) {
  fs::create_directories(root);
  const fs::path unfinished = root / kUnfinished;
  fs::remove_all(unfinished);
  fs::create_directory(unfinished);
  write(unfinished);
  base::flush_folder(unfinished);
  const std::string named = latest_name(root);
  const std::string before = named.empty() ? newest_complete(root) : named;
  const std::string name = free_name(root, step);
  fs::rename(unfinished, root / name);
  base::flush_folder(root);
  const std::array<std::string_view, 2> line = {name, "\n"};
  base::write_file_atomically(root / kLatest, line);
  for (const std::string& other : checkpoint_names(root)) {
    if (other != name && other != before) fs::remove_all(root / other);
  }
}

}  // namespace

void add_checkpoint(const fs::path& root, int step,
                    const std::function<void(const fs::path&)>& write) {
  try {
    add_folder(root, step, write);
  } catch (const fs::filesystem_error& error) {
    throw base::Error(root.string(), "the checkpoint cannot be written: " + error.code().message(),
                      "check that the folder may be written to and has room");
  }
}

bool holds_checkpoint(const fs::path& path) {
  std::error_code failure;
  return fs::exists(path / kLatest, failure) || fs::exists(path / kCheckpointManifest, failure) ||
         !newest_complete(path).empty();
}

fs::path find_checkpoint(const fs::path& given) {
  std::error_code failure;
  const bool is_run = !holds_checkpoint(given) && fs::is_directory(given / kOfRun, failure);
  const fs::path path = is_run ? given / kOfRun : given;
  if (!fs::is_directory(path, failure)) {
    throw base::Error(path.string(),
                      fs::exists(path, failure) ? "this is a file, not a folder of checkpoints"
                                                : "there is no such folder",
                      "name the folder that a training run wrote");
  }
  if (fs::exists(path / kCheckpointManifest, failure)) return path;
  if (!fs::exists(path / kLatest, failure)) {
    const std::string newest = newest_complete(path);
    if (!newest.empty()) return path / newest;
    throw base::Error(path.string(), "the folder holds no checkpoint", hint_of_others(path, ""));
  }
  const std::string name = latest_name(path);
  if (name.empty()) {
    throw base::Error((path / kLatest).string(), "it does not name a checkpoint's folder",
                      hint_of_others(path, ""));
  }
  if (!fs::exists(path / name / kCheckpointManifest, failure)) {
    throw base::Error(
        (path / kLatest).string(),
        "it names " + name + ", which is no checkpoint: it has no " + kCheckpointManifest,
        hint_of_others(path, name));
  }
  return path / name;
}

}  // namespace moesim::model
