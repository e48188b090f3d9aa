// SPDX-License-Identifier: Apache-2.0
// A run as one table, a row for each point: index, id, status, reason, the swept axes, then the
// numbers by dotted key.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/results/stored_run.h"

namespace moesim::experiments {

struct Cell {
  enum class Kind { null, boolean, number, text };
  Kind kind = Kind::null;
  std::string text;  // of a number its literal, of a boolean "true" or "false"
};

using TableRow = std::vector<Cell>;

// Names of the columns. A number that is called like an axis or one of the first four (in any
// case) is left out.
std::vector<std::string> table_columns(const StoredRun& run);

// Calls `take` with each point's cells, [table_columns], in the order of the points, with the
// numbers as the row has them. Throws base::Error where the file has changed.
void for_each_row(const StoredRun& run, const std::function<void(const TableRow&)>& take);

// The columns of a table that has a cell for each of these; how many are before the numbers.
std::size_t num_leading_columns(const StoredRun& run);

// A value as it stands in a table: a list or an object as compact JSON.
Cell cell_of(const base::JsonValue& value);

}  // namespace moesim::experiments
