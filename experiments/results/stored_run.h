// SPDX-License-Identifier: Apache-2.0
// A run directory as it lies on the disk, for those who look at results: what was asked and every
// point's figures, without the simulator.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/json_value.h"

namespace moesim::experiments {

struct StoredPoint {
  std::size_t index = 0;  // in the sweep
  std::string id;
  std::string status;  // "ok", "failed", "skipped"
  std::string reason;  // of what is not ok
  std::map<std::string, base::JsonValue> swept;
  // [StoredRun::columns] The row's numbers, NaN where it has none of that name or null.
  std::vector<double> figures;
  std::size_t row_begin = 0;  // bytes of results.ndjson
  std::size_t row_size = 0;   // without the line's end
};

struct StoredRun {
  std::filesystem::path folder;
  std::string name;
  std::string question;              // "" where the experiment asks none
  std::string status;                // the manifest's: "running", "complete", ...
  std::string command;               // that made it
  std::string resume_flags;          // to go on with it: " --shard 2/3 --backend cuda:bf16"
  std::string moesim;                // version and commit that made it
  std::vector<std::string> axes;     // swept keys, in the experiment's order
  std::size_t num_points = 0;        // of the sweep; `points` are those with a row
  std::vector<std::string> columns;  // dotted keys of numbers outside lists: "phase_time_s.expert"
  std::vector<StoredPoint> points;   // by index
  std::size_t lost_rows = 0;  // that a run which has ended had, and results.ndjson has no more

  // The figure, NaN where there is none.
  double figure(const StoredPoint& point, const std::string& column) const;
};

// `run` is a run's folder, or an experiment's, of which it takes `latest`, or the newest where none
// has ended. Throws base::Error where it is neither, naming what was looked for, and for a damaged
// manifest or row with its line; a last line that was cut off in the middle is left out.
StoredRun read_run(const std::filesystem::path& run);

// The rows of a run's results.ndjson, one at a time.
class RowFile {
 public:
  explicit RowFile(const StoredRun& run);

  const std::filesystem::path& path() const { return path_; }
  // Until the next call. Throws base::Error where the file has become shorter.
  const std::string& text_of(const StoredPoint& point);

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  std::string text_;
};

// The point's whole row: what result.json holds. Throws base::Error where the file has changed.
base::JsonValue read_row(const StoredRun& run, const StoredPoint& point);

// Which rows a run that has ended has lost, in words, and how to have them again; "" where none is.
std::string lost_rows_text(const StoredRun& run);

// "router.capacity_factor=1.25, router.seed=3", in the order of the axes; "" without a sweep.
std::string label_of(const StoredRun& run, const StoredPoint& point);

}  // namespace moesim::experiments
