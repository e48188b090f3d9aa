// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/stored_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "experiments/backend_record.h"
#include "experiments/results/column_index.h"
#include "experiments/results/row_scanner.h"
#include "experiments/runs/run_manifest.h"
#include "experiments/runs/shard.h"
#include "experiments/sweep/sweep_values.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;
namespace fs = std::filesystem;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Of an experiment's runs the one whose name, which begins with its time, is the last; "" without.
fs::path newest_below(const fs::path& experiment) {
  std::error_code unknown;
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(experiment, unknown)) {
    const bool is_run = fs::exists(entry.path() / kManifestFile, unknown);
    if (is_run && entry.path() > newest) newest = entry.path();
  }
  return newest;
}

fs::path folder_of(const fs::path& run) {
  for (const fs::path& folder : {run, run / "latest"}) {
    std::error_code unknown;
    if (fs::exists(folder / kManifestFile, unknown)) return folder;
  }
  if (const fs::path newest = newest_below(run); !newest.empty()) return newest;
  throw Error(run.string(), "is no run's folder: it has neither manifest.json nor latest/",
              "name what moesim run printed after \"results in\"");
}

// Those without which the run is refused.
std::string resume_flags(const RunManifest& manifest) {
  std::string flags;
  if (!manifest.shard.empty()) flags += " --shard " + manifest.shard;
  const std::string& arithmetic = manifest.backend.arithmetic;
  if (arithmetic != model::cuda::kProcessorArithmetic) flags += " " + backend_flag(arithmetic);
  return flags;
}

void take_manifest(const RunManifest& manifest, StoredRun& run) {
  run.name = manifest.name;
  run.question = manifest.question;
  run.status = manifest.status;
  run.command = manifest.command;
  run.resume_flags = resume_flags(manifest);
  run.moesim = manifest.moesim + " " + manifest.commit;
  run.axes = manifest.axes;
  run.num_points = manifest.num_points;
}

// How many of the sweep's points are the run's.
std::size_t points_of(const RunManifest& manifest) {
  if (manifest.shard.empty()) return manifest.num_points;
  const Shard shard = parse_shard(manifest.shard);
  std::size_t points = 0;
  for (std::size_t index = 0; index < manifest.num_points; ++index) points += shard.has(index);
  return points;
}

// `points` are in order.
void require_one_row_each(const std::vector<StoredPoint>& points, const fs::path& path) {
  const auto twice =
      std::adjacent_find(points.begin(), points.end(),
                         [](const auto& a, const auto& b) { return a.index == b.index; });
  if (twice == points.end()) return;
  throw Error(path.string(), fmt::format("has two rows of point {}", twice->index),
              "remove one, or run the experiment anew with --fresh");
}

class Rows {
 public:
  explicit Rows(StoredRun& run) : run_(run) {}

  void add(std::string_view row, std::size_t begin, const std::string& origin) {
    StoredPoint point;
    columns_.start_row();
    point.figures.reserve(columns_.names().size());
    RowFacts facts = scan_row(row, origin, [&](std::string_view key, std::string_view number) {
      const std::size_t column = columns_.find_or_add(key);
      if (point.figures.size() <= column) point.figures.resize(column + 1, kNone);
      std::from_chars(number.data(), number.data() + number.size(), point.figures[column]);
    });
    point.status = std::move(facts.status);
    point.reason = std::move(facts.reason);
    if (const JsonValue* id = facts.scenario.find("point")) point.id = id->text;
    if (const JsonValue* index = facts.scenario.find("index")) {
      point.index = static_cast<std::size_t>(index->number);
    }
    if (JsonValue* swept = facts.scenario.find("swept")) {
      for (base::JsonMember& member : swept->members) {
        point.swept[member.key] = std::move(member.value);
      }
    }
    point.row_begin = begin;
    point.row_size = row.size();
    run_.points.push_back(std::move(point));
  }

  void finish() {
    run_.columns = columns_.names();
    for (StoredPoint& point : run_.points) point.figures.resize(run_.columns.size(), kNone);
    std::sort(run_.points.begin(), run_.points.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
  }

 private:
  StoredRun& run_;
  ColumnIndex columns_;
};

}  // namespace

double StoredRun::figure(const StoredPoint& point, const std::string& column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  return found == columns.end() ? kNone
                                : point.figures[static_cast<std::size_t>(found - columns.begin())];
}

StoredRun read_run(const fs::path& run) {
  StoredRun stored;
  stored.folder = folder_of(run);
  const RunManifest manifest = read_manifest(stored.folder);
  take_manifest(manifest, stored);
  const fs::path path = stored.folder / "results.ndjson";
  std::error_code unknown;
  if (fs::exists(path, unknown) && !fs::is_regular_file(path, unknown)) {
    throw Error(path.string(), "is no file", "restore it, or run the experiment anew with --fresh");
  }
  std::ifstream file(path, std::ios::binary);  // none is there before the first point ends
  if (!file && fs::exists(path, unknown)) {
    throw Error(path.string(), "cannot be read", "check its permissions");
  }
  Rows rows(stored);
  std::size_t begin = 0;
  std::string line;
  for (int number = 1; std::getline(file, line) && !file.eof(); ++number) {
    const std::string origin = path.string() + " line " + std::to_string(number);
    try {
      rows.add(line, begin, origin);
    } catch (const Error& error) {
      throw Error(origin, "is no row of a run's results: " + error.message(),
                  "restore the file, or run the experiment anew with --fresh");
    }
    begin += line.size() + 1;
  }  // a last line without its end was cut off while it was written
  rows.finish();
  require_one_row_each(stored.points, path);
  const std::size_t wanted = is_unfinished(manifest) ? 0 : points_of(manifest);
  if (wanted > stored.points.size()) stored.lost_rows = wanted - stored.points.size();
  return stored;
}

std::string lost_rows_text(const StoredRun& run) {
  if (run.lost_rows == 0) return {};
  const std::string folder = run.folder.string();
  const std::string said =
      fmt::format("{}: the run has ended ({}), but {} of its rows {} missing: the file was cut",
                  (run.folder / "results.ndjson").string(), run.status, run.lost_rows,
                  run.lost_rows == 1 ? "is" : "are");
  if (run.num_points <= 1) return said + "; " + folder + "/result.json may have its figures";
  return said + "; to run their points again: moesim run EXPERIMENT --resume " + folder +
         run.resume_flags;
}

RowFile::RowFile(const StoredRun& run)
    : path_(run.folder / "results.ndjson"), file_(path_, std::ios::binary) {}

const std::string& RowFile::text_of(const StoredPoint& point) {
  text_.resize(point.row_size);
  file_.seekg(static_cast<std::streamoff>(point.row_begin));
  file_.read(text_.data(), static_cast<std::streamsize>(text_.size()));
  if (!file_) throw Error(path_.string(), "has become shorter", "read the run again");
  return text_;
}

JsonValue read_row(const StoredRun& run, const StoredPoint& point) {
  RowFile rows(run);
  return base::parse_json(rows.text_of(point), rows.path().string());
}

std::string label_of(const StoredRun& run, const StoredPoint& point) {
  return label_of(run.axes, point.swept);
}

}  // namespace moesim::experiments
