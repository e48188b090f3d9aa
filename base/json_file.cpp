// SPDX-License-Identifier: Apache-2.0
// JSON from a file.
#include "base/file_bytes.h"
#include "base/json_value.h"

namespace moesim::base {

JsonValue read_json_file(const std::filesystem::path& path) {
  const std::string text =
      read_whole_file(path, {"JSON file", 16, "keep data such as traces in a file of its own"});
  return parse_json(text, path.string());
}

}  // namespace moesim::base
