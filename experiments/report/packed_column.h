// SPDX-License-Identifier: Apache-2.0
// Columns of numbers as short JSON that a browser turns into arrays without reading digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_value.h"

namespace moesim::experiments {

// RFC 4648, section 4, with padding.
std::string base64(std::string_view bytes);

// {"f8": base64 of IEEE 754 doubles, little-endian}; {"f4": floats} where each number is one, or
// where `may_round` allows to lose digits; the number itself, or null for not a number, where all
// are the same (as many as the table has rows); null for an empty column.
base::JsonValue packed_numbers(const std::vector<double>& numbers, bool may_round);

// The same of counts: {"u4": unsigned 32-bit integers, little-endian}, or the number itself.
base::JsonValue packed_counts(const std::vector<std::uint32_t>& counts);

// Texts or other values of which many are alike: {"values": the different ones in the order of
// their coming, "rows": packed_counts of their places}.
base::JsonValue packed_values(const std::vector<base::JsonValue>& values);

}  // namespace moesim::experiments
