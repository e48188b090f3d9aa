// SPDX-License-Identifier: Apache-2.0
// JSON from a file.
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "base/json_value.h"

namespace moesim::base {
namespace {

constexpr std::uintmax_t kMaximumBytes = 16u << 20;

// A pipe or a device could block for ever or never end, so the kind is looked at before opening.
void check_regular(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (status.type() == fs::file_type::not_found) {
    throw Error(path.string(), "there is no such file", "check the path");
  }
  if (fs::is_directory(status)) {
    throw Error(path.string(), "this is a folder, not a file", "name the JSON file in it");
  }
  if (!fs::is_regular_file(status)) {
    throw Error(path.string(),
                failure ? "it cannot be looked at: " + failure.message() : "not a regular file",
                "name a plain JSON file");
  }
  const std::uintmax_t size = fs::file_size(path, failure);
  if (!failure && size > kMaximumBytes) {
    throw Error(path.string(),
                "the file has " + std::to_string(size) +
                    " bytes; 16 MiB (16777216 bytes) is the "
                    "largest read",
                "keep data such as traces in a file of its own");
  }
}

}  // namespace

JsonValue read_json_file(const std::filesystem::path& path) {
  check_regular(path);
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(path.string(), std::string("cannot be read: ") + std::strerror(errno));
  std::string text;
  char buffer[1 << 16];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaximumBytes) {
      throw Error(path.string(), "the file grew beyond 16 MiB while it was read");
    }
  }
  if (file.bad()) throw Error(path.string(), "reading failed");
  return parse_json(text, path.string());
}

}  // namespace moesim::base
