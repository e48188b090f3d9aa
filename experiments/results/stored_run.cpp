// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/stored_run.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

#include "base/error.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;
namespace fs = std::filesystem;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file) throw Error(path.string(), "cannot be read", "name a run's folder");
  return std::move(bytes).str();
}

fs::path folder_of(const fs::path& run) {
  for (const fs::path& folder : {run, run / "latest"}) {
    std::error_code unknown;
    if (fs::exists(folder / "manifest.json", unknown)) return folder;
  }
  throw Error(run.string(), "is no run's folder: it has neither manifest.json nor latest/",
              "name what moesim run printed after \"results in\"");
}

std::string text_at(const JsonValue& object, const char* key) {
  const JsonValue* value = object.find(key);
  return value != nullptr ? value->text : std::string();
}

void read_manifest(StoredRun& run) {
  const fs::path path = run.folder / "manifest.json";
  const JsonValue manifest = base::parse_json(bytes_of(path), path.string());
  run.name = text_at(manifest, "name");
  run.question = text_at(manifest, "question");
  run.status = text_at(manifest, "status");
  run.command = text_at(manifest, "command");
  run.moesim = text_at(manifest, "moesim") + " " + text_at(manifest, "commit");
  if (const JsonValue* axes = manifest.find("axes")) {
    for (const JsonValue& axis : axes->items) run.axes.push_back(axis.text);
  }
  if (const JsonValue* points = manifest.find("num_points")) {
    run.num_points = std::stoull(points->text);
  }
}

// Numbers of a row by dotted key, lists left out.
void collect(const JsonValue& object, const std::string& prefix,
             std::vector<std::pair<std::string, double>>& numbers) {
  for (const base::JsonMember& member : object.members) {
    const std::string key = prefix + member.key;
    if (member.value.kind == JsonValue::Kind::object && key != "scenario") {
      collect(member.value, key + ".", numbers);
    } else if (member.value.kind == JsonValue::Kind::number) {
      numbers.emplace_back(key, std::stod(member.value.text));
    }
  }
}

class Rows {
 public:
  explicit Rows(StoredRun& run) : run_(run) {}

  void add(const JsonValue& row, std::size_t begin, std::size_t size) {
    StoredPoint point;
    point.status = text_at(row, "status");
    point.reason = text_at(row, "reason");
    const JsonValue* scenario = row.find("scenario");
    if (scenario == nullptr) throw Error(row.place.text(), "is no result", "restore the file");
    point.id = text_at(*scenario, "point");
    if (const JsonValue* index = scenario->find("index")) point.index = std::stoull(index->text);
    if (const JsonValue* swept = scenario->find("swept")) {
      for (const base::JsonMember& member : swept->members) point.swept[member.key] = member.value;
    }
    point.row_begin = begin;
    point.row_size = size;
    std::vector<std::pair<std::string, double>> numbers;
    collect(row, "", numbers);
    for (const auto& [key, number] : numbers) {
      const auto [found, is_new] = column_of_.emplace(key, run_.columns.size());
      if (is_new) run_.columns.push_back(key);
      if (point.figures.size() <= found->second) point.figures.resize(found->second + 1, kNone);
      point.figures[found->second] = number;
    }
    run_.points.push_back(std::move(point));
  }

  void finish() {
    for (StoredPoint& point : run_.points) point.figures.resize(run_.columns.size(), kNone);
    std::sort(run_.points.begin(), run_.points.end(),
              [](const auto& a, const auto& b) { return a.index < b.index; });
  }

 private:
  StoredRun& run_;
  std::map<std::string, std::size_t> column_of_;
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
  read_manifest(stored);
  const fs::path path = stored.folder / "results.ndjson";
  std::error_code unknown;
  if (!fs::exists(path, unknown)) return stored;
  const std::string text = bytes_of(path);
  Rows rows(stored);
  int line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;  // cut off while it was written
    const std::string origin = path.string() + " line " + std::to_string(line);
    rows.add(base::parse_json(text.substr(begin, end - begin), origin), begin, end - begin);
    begin = end + 1;
  }
  rows.finish();
  return stored;
}

JsonValue read_row(const StoredRun& run, const StoredPoint& point) {
  const fs::path path = run.folder / "results.ndjson";
  std::ifstream file(path, std::ios::binary);
  std::string row(point.row_size, '\0');
  file.seekg(static_cast<std::streamoff>(point.row_begin));
  file.read(row.data(), static_cast<std::streamsize>(row.size()));
  if (!file) throw Error(path.string(), "has become shorter", "read the run again");
  return base::parse_json(row, path.string());
}

std::string label_of(const StoredRun& run, const StoredPoint& point) {
  std::string label;
  for (const std::string& axis : run.axes) {
    const auto found = point.swept.find(axis);
    if (found == point.swept.end()) continue;
    label += (label.empty() ? "" : ", ") + axis + "=" +
             base::to_text(found->second, base::JsonStyle::compact);
  }
  return label;
}

}  // namespace moesim::experiments
