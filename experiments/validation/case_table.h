// SPDX-License-Identifier: Apache-2.0
// Tables of values in text: comma-separated cells under a line of keys. A key may carry the unit of
// its column, "time [us]". Lines that begin with '#' are remarks.
#pragma once

#include <filesystem>
#include <vector>

#include "base/json_value.h"

namespace moesim::experiments {

// One object per row, key -> cell: a number, true and false stand for themselves, a number in a
// column with a unit becomes "<number> <unit>", an empty cell is left out, anything else is a
// string. Values have their place in the file. Throws base::Error for a row with more or fewer
// cells than there are keys, a repeated or empty key, and a cell without a number under a unit.
std::vector<base::JsonValue> read_table(const std::filesystem::path& file);

}  // namespace moesim::experiments
