// SPDX-License-Identifier: Apache-2.0
#include "model/train/text.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> kTextExtensions = {".md",  ".txt", ".h",
                                                             ".cpp", ".py",  ".json"};
constexpr std::array<std::string_view, 3> kSkippedFolders = {"build", "runs", "node_modules"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void fail_to_read(const fs::path& path, const std::string& reason) {
  throw base::Error(path.string(), "cannot read the text: " + reason,
                    "name a readable text file, or a folder of text files");
}

void append_file(const fs::path& path, std::vector<std::uint8_t>& bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_to_read(path, "the file cannot be opened");
  std::array<char, 65536> buffer;
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
    bytes.insert(bytes.end(), buffer.data(), buffer.data() + file.gcount());
  }
  if (file.bad()) fail_to_read(path, "reading stopped half-way");
}

// The text files below `folder`, sorted by path.
std::vector<fs::path> text_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  const fs::recursive_directory_iterator end;
  for (; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const fs::file_type type = entry->symlink_status().type();
    const bool hidden = name.starts_with('.');
    if (type == fs::file_type::directory && (hidden || contains(kSkippedFolders, name))) {
      entry.disable_recursion_pending();
    } else if (type == fs::file_type::regular && !hidden &&
               contains(kTextExtensions, entry->path().extension().string())) {
      files.push_back(entry->path());
    }
  }
  if (error) fail_to_read(folder, error.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<std::uint8_t> read_text(const fs::path& path, std::size_t least_bytes) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) fail_to_read(path, "there is no such path");
  std::vector<std::uint8_t> bytes;
  if (status.type() == fs::file_type::directory) {
    for (const fs::path& file : text_files(path)) append_file(file, bytes);
  } else if (status.type() == fs::file_type::regular) {
    append_file(path, bytes);
  } else {
    fail_to_read(path, error ? error.message() : "it is neither a file nor a folder");
  }
  if (bytes.size() < least_bytes) {
    throw base::Error(path.string(),
                      "the text has " + std::to_string(bytes.size()) + " bytes, and at least " +
                          std::to_string(least_bytes) + " are needed",
                      "name a longer text, or use a shorter window");
  }
  return bytes;
}

}  // namespace moesim::model
