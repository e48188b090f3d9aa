// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/shard.h"

#include <charconv>

#include "base/error.h"

namespace moesim::experiments {

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* end = text.data() + text.size();
  const auto [slash, bad_number] = std::from_chars(text.data(), end, shard.number);
  const bool has_slash = bad_number == std::errc() && slash != end && *slash == '/';
  const auto [rest, bad_count] =
      has_slash ? std::from_chars(slash + 1, end, shard.count)
                : std::from_chars_result{text.data(), std::errc::invalid_argument};
  const bool is_read = bad_count == std::errc() && rest == end;
  if (!is_read || shard.number < 1 || shard.number > shard.count) {
    throw base::Error("--shard", "\"" + text + "\" is no part of a sweep",
                      "write --shard 1/3, --shard 2/3 and --shard 3/3 for the three thirds");
  }
  return shard;
}

std::string to_text(const Shard& shard) {
  if (shard.is_whole()) return {};
  return std::to_string(shard.number) + "/" + std::to_string(shard.count);
}

}  // namespace moesim::experiments
