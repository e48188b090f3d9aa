// SPDX-License-Identifier: Apache-2.0
// The words of bench-collective's flags as values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/units.h"

namespace moesim::experiments {

// No buffer of a machine is larger, and every size up to it is a whole number to a double.
inline constexpr base::Bytes kLargestSize(1024.0 * 1024 * 1024 * 1024 * 1024);

// "128M" as nccl-tests read it (K, M, G: powers of 1024), plain bytes, or with a unit ("100 MB").
// Throws base::Error at `flag`; sizes are at least 1 byte and at most kLargestSize.
base::Bytes parse_size(const std::string& text, const std::string& flag);

// "64" is how many there are from rank 0 on; nothing for a list ("0-7,16") and for no word at all.
// Throws base::Error at --ranks.
std::optional<int> rank_count(const std::optional<std::string>& word);

// Throws the Error of parse_name.
[[noreturn]] void refuse_name(const std::string& word, const std::string& flag,
                              const std::vector<std::string>& names);

// The ranks that the word names, ascending: the first so many, or each of a list of ranks and
// ranges, or without a word all of [0, available). Throws base::Error at --ranks where it names
// none, one twice, one that there is not, or a range backwards.
std::vector<int> parse_ranks(const std::optional<std::string>& word, int available);

// The value of that name. Throws base::Error at `flag` with the nearest name, or all of them.
template <class Enum>
Enum parse_name(const std::string& word, const std::string& flag) {
  std::vector<std::string> names;
  for (const auto& [id, name] : names_of(Enum{})) {
    if (name == word) return id;
    names.push_back(name);
  }
  refuse_name(word, flag, names);
}

// The parts of a text between separators; one more than there are separators.
std::vector<std::string> split(const std::string& text, char separator);

}  // namespace moesim::experiments
