// SPDX-License-Identifier: Apache-2.0
// What a report page shows, as one JSON document (docs/file_formats.md, "Report").
#pragma once

#include <optional>
#include <string>

#include "base/json_value.h"
#include "experiments/results/stored_run.h"

namespace moesim::experiments {

// What points are compared with.
struct Baseline {
  StoredRun run;
  std::optional<std::size_t> row;  // of run.points: the one for all; else the one swept alike
};

// `argument` is RUN or RUN:POINT, a point's id or its number in the sweep. A run of one point is
// the baseline of all. Throws base::Error where there is no such run or point.
Baseline read_baseline(const std::string& argument);

// Throws base::Error where the run's files cannot be read.
base::JsonValue report_data(const StoredRun& run, const Baseline* baseline);

}  // namespace moesim::experiments
