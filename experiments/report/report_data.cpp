// SPDX-License-Identifier: Apache-2.0
#include "experiments/report/report_data.h"

#include <fmt/format.h>

#include <limits>
#include <map>

#include "base/error.h"
#include "experiments/objectives.h"
#include "experiments/report/packed_column.h"
#include "experiments/report/point_details.h"
#include "experiments/results/point_name.h"
#include "experiments/runs/run_manifest.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// Above so many points seven digits of each figure do, and halve the page.
constexpr std::size_t kMostExact = 20000;

JsonValue read_manifest(const StoredRun& run) {
  return base::read_json_file(run.folder / "manifest.json");
}

// Who made the run, when and where; keys that the manifest lacks are left out.
JsonValue provenance(const StoredRun& run, const JsonValue& manifest) {
  JsonValue facts = base::json_object();
  for (const char* key : {"name", "question", "status", "command", "moesim", "commit", "versions",
                          "host", "start", "end", "config_hash"}) {
    if (const JsonValue* value = manifest.find(key)) base::add_member(facts, key, *value);
  }
  if (run.lost_rows > 0) {
    const std::string status = fmt::format("{}, {} rows missing", run.status, run.lost_rows);
    base::set_json_at(facts, "status", base::json_of(status), "status");
  }
  std::error_code unknown;
  const std::filesystem::path folder = std::filesystem::canonical(run.folder, unknown);
  base::add_member(facts, "folder", base::json_of(folder.filename().string()));
  base::add_member(facts, "num_points", base::json_of(std::uint64_t{run.num_points}));
  return facts;
}

JsonValue objective_list(const StoredRun& run, const std::vector<Objective>& objectives) {
  JsonValue list = base::json_array();
  for (const Objective& objective : objectives) {
    JsonValue& entry = list.items.emplace_back(base::json_object());
    base::add_member(entry, "figure", base::json_of(objective.figure));
    const bool is_max = objective.direction == Direction::max;
    base::add_member(entry, "direction", base::json_of(is_max ? "max" : "min"));
    const std::uint64_t best = best_points(run, objective, 1).front();
    base::add_member(entry, "best", base::json_of(best));
  }
  return list;
}

JsonValue axis_list(const StoredRun& run) {
  JsonValue axes = base::json_array();
  for (const std::string& key : run.axes) {
    std::vector<JsonValue> values;
    for (const StoredPoint& point : run.points) {
      const auto found = point.swept.find(key);
      values.push_back(found != point.swept.end() ? found->second : JsonValue());
    }
    JsonValue& axis = axes.items.emplace_back(packed_values(values));
    base::add_member(axis, "key", base::json_of(key));
  }
  return axes;
}

template <class Text>
JsonValue text_column(const StoredRun& run, Text text) {
  std::vector<JsonValue> values;
  for (const StoredPoint& point : run.points) values.push_back(base::json_of(text(point)));
  return packed_values(values);
}

JsonValue point_columns(const StoredRun& run) {
  JsonValue points = base::json_object();
  std::vector<std::uint32_t> indices;
  std::string ids;
  for (const StoredPoint& point : run.points) {
    indices.push_back(static_cast<std::uint32_t>(point.index));
    ids += (ids.empty() ? "" : " ") + point.id;
  }
  base::add_member(points, "count", base::json_of(std::uint64_t{run.points.size()}));
  base::add_member(points, "index", packed_counts(indices));
  base::add_member(points, "ids", base::json_of(ids));
  base::add_member(points, "status", text_column(run, [](const auto& p) { return p.status; }));
  base::add_member(points, "reason", text_column(run, [](const auto& p) { return p.reason; }));
  base::add_member(points, "routing_source", packed_values(routing_sources(run)));
  return points;
}

// What the reference page says of each figure, its family's where it is one of a family.
std::string docs_of(const std::string& column, const std::vector<NamedFigure>& figures) {
  for (const NamedFigure& figure : figures) {
    const bool is_it =
        figure.is_family ? column.starts_with(figure.name + ".") : column == figure.name;
    if (is_it) return figure.docs;
  }
  return {};
}

JsonValue figure_columns(const StoredRun& run) {
  const std::vector<NamedFigure> known = result_figures();
  JsonValue figures = base::json_array();
  std::vector<double> numbers(run.points.size());
  for (std::size_t column = 0; column < run.columns.size(); ++column) {
    for (std::size_t row = 0; row < numbers.size(); ++row) {
      numbers[row] = run.points[row].figures[column];
    }
    JsonValue& figure = figures.items.emplace_back(base::json_object());
    base::add_member(figure, "key", base::json_of(run.columns[column]));
    base::add_member(figure, "docs", base::json_of(docs_of(run.columns[column], known)));
    base::add_member(figure, "numbers", packed_numbers(numbers, numbers.size() > kMostExact));
  }
  return figures;
}

JsonValue detail_rows(const StoredRun& run, const std::vector<Objective>& objectives) {
  JsonValue details = base::json_object();
  for (const std::size_t row : detailed_points(run, objectives)) {
    base::add_member(details, std::to_string(row), details_of(read_row(run, run.points[row])));
  }
  return details;
}

// Of each point of `run` the baseline's point to compare it with; null where there is none.
std::vector<const StoredPoint*> partners(const StoredRun& run, const Baseline& baseline) {
  if (baseline.row) {
    return std::vector<const StoredPoint*>(run.points.size(), &baseline.run.points[*baseline.row]);
  }
  std::map<std::string, const StoredPoint*> by_label;
  for (const StoredPoint& point : baseline.run.points) by_label[label_of(run, point)] = &point;
  std::vector<const StoredPoint*> found;
  for (const StoredPoint& point : run.points) {
    const auto partner = by_label.find(label_of(run, point));
    found.push_back(partner != by_label.end() ? partner->second : nullptr);
  }
  return found;
}

JsonValue baseline_figures(const StoredRun& run, const Baseline& baseline) {
  const std::vector<const StoredPoint*> points = partners(run, baseline);
  JsonValue figures = base::json_object();
  std::vector<double> numbers(points.size());
  for (std::size_t column = 0; column < baseline.run.columns.size(); ++column) {
    for (std::size_t row = 0; row < points.size(); ++row) {
      numbers[row] = points[row] != nullptr ? points[row]->figures[column] : kNone;
    }
    base::add_member(figures, baseline.run.columns[column],
                     packed_numbers(numbers, numbers.size() > kMostExact));
  }
  return figures;
}

JsonValue baseline_object(const StoredRun& run, const Baseline& baseline) {
  JsonValue object = base::json_object();
  base::add_member(object, "run", provenance(baseline.run, read_manifest(baseline.run)));
  base::add_member(object, "is_one_point", base::json_of(baseline.row.has_value()));
  std::string label;
  if (baseline.row) label = label_of(baseline.run, baseline.run.points[*baseline.row]);
  base::add_member(object, "label", base::json_of(label));
  base::add_member(object, "figures", baseline_figures(run, baseline));
  return object;
}

base::Error no_such_point(const std::string& argument, const StoredRun& run) {
  return {"--baseline " + argument, "the run has no point of this id or number",
          "moesim run -n lists ids and numbers; " + run.folder.string() + " has " +
              std::to_string(run.points.size()) + (run.points.size() == 1 ? " point" : " points")};
}

}  // namespace

Baseline read_baseline(const std::string& argument) {
  Baseline baseline;
  const PointName name = parse_point_name(argument);
  baseline.run = read_run(name.path);
  const std::vector<StoredPoint>& points = baseline.run.points;
  if (name.point.empty()) {
    if (points.size() == 1) baseline.row = 0;
    if (points.empty()) throw no_such_point(argument, baseline.run);
    return baseline;
  }
  baseline.row = find_point(points, name.point);
  if (!baseline.row) throw no_such_point(argument, baseline.run);
  const StoredPoint& point = points[*baseline.row];
  if (point.status != "ok") {
    throw base::Error("--baseline " + argument, "the point has no figures: " + point.reason,
                      "name a point whose status is ok");
  }
  return baseline;
}

JsonValue report_data(const StoredRun& run, const Baseline* baseline) {
  const JsonValue manifest = read_manifest(run);
  const std::vector<Objective> objectives = shown_objectives(run, objectives_of(manifest));
  JsonValue data = base::json_object();
  base::add_member(data, "format", base::json_of("moesim report 1"));
  base::add_member(data, "run", provenance(run, manifest));
  base::add_member(data, "objectives", objective_list(run, objectives));
  base::add_member(data, "axes", axis_list(run));
  base::add_member(data, "points", point_columns(run));
  base::add_member(data, "figures", figure_columns(run));
  base::add_member(data, "details", detail_rows(run, objectives));
  base::add_member(data, "baseline",
                   baseline != nullptr ? baseline_object(run, *baseline) : JsonValue());
  return data;
}

}  // namespace moesim::experiments
