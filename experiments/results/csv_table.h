// SPDX-License-Identifier: Apache-2.0
// A run's table as comma-separated values (RFC 4180: CRLF, a field with a comma, quotation mark or
// line break in quotation marks, which are doubled inside).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/results/result_table.h"

namespace moesim::experiments {

// One line with its end.
std::string csv_line(const std::vector<std::string>& fields);

// Numbers have the text that they have in the JSON; what is null or missing is an empty field.
// The file appears when it is complete. Throws base::Error where it cannot be written.
void write_csv(const StoredRun& run, const std::filesystem::path& path);

}  // namespace moesim::experiments
