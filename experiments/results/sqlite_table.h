// SPDX-License-Identifier: Apache-2.0
// A run's table as an SQLite database, for questions in SQL.
#pragma once

#include <filesystem>

#include "experiments/results/stored_run.h"

namespace moesim::experiments {

// Table `points` has the columns of result_table.h (at most 2,000, SQLite's own limit): numbers as
// integer or real, booleans as 0 and 1, what is null or missing as NULL. Table `run` has one row
// with the manifest's facts. The file appears when it is complete. Throws base::Error where it
// cannot be written.
void write_sqlite(const StoredRun& run, const std::filesystem::path& path);

}  // namespace moesim::experiments
