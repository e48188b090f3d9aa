// SPDX-License-Identifier: Apache-2.0
// A part of a sweep's points, for one machine of several: every count-th, so that each has points
// of all kinds.
#pragma once

#include <cstddef>
#include <string>

namespace moesim::experiments {

struct Shard {
  std::size_t number = 1;  // from 1
  std::size_t count = 1;

  bool has(std::size_t index) const { return index % count == number - 1; }
  bool is_whole() const { return count == 1; }
};

// From "2/3". Throws base::Error at "--shard".
Shard parse_shard(const std::string& text);

// "2/3"; "" for the whole.
std::string to_text(const Shard& shard);

}  // namespace moesim::experiments
