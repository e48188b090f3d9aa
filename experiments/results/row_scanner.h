// SPDX-License-Identifier: Apache-2.0
// Takes the numbers out of a row of results.ndjson without building its tree: rows are some 7 kB
// each, and runs have up to 100,000.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json_value.h"

namespace moesim::experiments {

// What is in a row beside its numbers.
struct RowFacts {
  std::string status;
  std::string reason;
  base::JsonValue scenario;
};

// A number's dotted key ("phase_time_s.expert") and its text in the row.
using NumberSink = std::function<void(std::string_view key, std::string_view number)>;

// Hands over the numbers of the row in its order; those in lists and in `scenario` are left out.
// Throws base::Error, placed in `origin`, for what is no result.
RowFacts scan_row(std::string_view row, const std::string& origin, const NumberSink& sink);

}  // namespace moesim::experiments
