// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/point_query.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "experiments/results/intervals.h"
#include "experiments/sweep/axes.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

constexpr const char* kUsual[] = {"step_time_s", "tokens_per_s_per_gpu", "mfu", "drop_rate",
                                  "exposed_communication_s"};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void require(const std::vector<std::string>& known, const std::string& name,
             const std::string& flag) {
  if (contains(known, name)) return;
  std::string hint = base::did_you_mean(name, known);
  if (hint.empty() && !known.empty()) hint = "as in " + flag + " " + known.front();
  throw Error(flag, "the run has no \"" + name + "\"", hint);
}

// The value as JSON where it parses, else as a string.
JsonValue value_of(const std::string& text) {
  try {
    return base::parse_json(text, "--where");
  } catch (const Error&) {
    return base::json_of(text);
  }
}

bool is_same(const JsonValue& a, const JsonValue& b) {
  if (a.kind == JsonValue::Kind::number && b.kind == JsonValue::Kind::number) {
    return a.number == b.number;
  }
  return base::to_text(a, base::JsonStyle::compact) == base::to_text(b, base::JsonStyle::compact);
}

struct Condition {
  std::string axis;
  JsonValue value;
};

std::vector<Condition> conditions_of(const StoredRun& run, const PointQuery& query) {
  std::vector<Condition> conditions;
  for (const std::string& text : query.where) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      throw Error("--where", "\"" + text + "\" has no value", "write --where axis=value");
    }
    require(run.axes, text.substr(0, equals), "--where");
    conditions.push_back({text.substr(0, equals), value_of(text.substr(equals + 1))});
  }
  return conditions;
}

bool fits(const StoredPoint& point, const std::vector<Condition>& conditions) {
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) {
    const auto found = point.swept.find(condition.axis);
    return found != point.swept.end() && is_same(found->second, condition.value);
  });
}

Cell number_cell(double number) {
  if (!std::isfinite(number)) return {};
  return cell_of(base::json_of(number));
}

Cell count_cell(std::size_t count) { return {Cell::Kind::number, std::to_string(count)}; }

Cell swept_cell(const StoredPoint& point, const std::string& axis) {
  const auto found = point.swept.find(axis);
  return found == point.swept.end() ? Cell{} : cell_of(found->second);
}

// Which points the question is about, and the names that it may use.
class Answer {
 public:
  Answer(const StoredRun& run, const PointQuery& query) : run_(run), query_(query) {
    const std::vector<Condition> conditions = conditions_of(run, query);
    for (const StoredPoint& point : run.points) {
      if (!query.status.empty() && point.status != query.status) continue;
      if (fits(point, conditions)) points_.push_back(&point);
    }
    for (const std::string& column : query.columns) require(run.columns, column, "--columns");
    columns_ = query.columns;
    if (!columns_.empty()) return;
    for (const char* column : kUsual) {
      if (contains(run.columns, column)) columns_.emplace_back(column);
    }
  }

  QueryTable of_points() const {
    QueryTable table;
    table.headers = {"index"};
    table.headers.insert(table.headers.end(), run_.axes.begin(), run_.axes.end());
    table.headers.insert(table.headers.end(), columns_.begin(), columns_.end());
    const bool has_reasons = std::any_of(points_.begin(), points_.end(),
                                         [](const auto* point) { return point->status != "ok"; });
    if (has_reasons) table.headers.insert(table.headers.end(), {"status", "reason"});
    for (const StoredPoint* point : points_) {
      TableRow row = {count_cell(point->index)};
      for (const std::string& axis : run_.axes) row.push_back(swept_cell(*point, axis));
      for (const std::string& column : columns_) {
        row.push_back(number_cell(run_.figure(*point, column)));
      }
      if (has_reasons) {
        row.push_back({Cell::Kind::text, point->status});
        row.push_back({Cell::Kind::text, point->reason});
      }
      table.rows.push_back(std::move(row));
    }
    return table;
  }

  QueryTable of_groups() const {
    for (const std::string& axis : query_.over) require(run_.axes, axis, "--over");
    QueryTable table;
    for (const std::string& axis : run_.axes) {
      if (!contains(query_.over, axis)) table.headers.push_back(axis);
    }
    const std::vector<std::string> axes = table.headers;
    table.headers.emplace_back("count");
    for (const std::string& column : columns_) {
      table.headers.push_back(column);
      if (over_seeds()) {
        table.headers.push_back(column + "_ci95");
      } else {
        table.headers.insert(table.headers.end(), {column + "_min", column + "_max"});
      }
    }
    for (const auto& group : groups(axes)) {
      TableRow row;
      for (const std::string& axis : axes) row.push_back(swept_cell(*group.front(), axis));
      row.push_back(count_cell(group.size()));
      for (const std::string& column : columns_) append_mean(row, group, column);
      table.rows.push_back(std::move(row));
    }
    return table;
  }

 private:
  using Group = std::vector<const StoredPoint*>;

  // Points with status "ok" that differ in nothing but the axes to average over, in their order.
  std::vector<Group> groups(const std::vector<std::string>& axes) const {
    std::vector<Group> groups;
    std::map<std::vector<std::string>, std::size_t> group_of;
    for (const StoredPoint* point : points_) {
      if (point->status != "ok") continue;
      std::vector<std::string> key;
      for (const std::string& axis : axes) key.push_back(swept_cell(*point, axis).text);
      const auto [found, is_new] = group_of.emplace(std::move(key), groups.size());
      if (is_new) groups.emplace_back();
      groups[found->second].push_back(point);
    }
    return groups;
  }

  // Points that differ in seeds alone repeat a configuration.
  bool over_seeds() const { return std::all_of(query_.over.begin(), query_.over.end(), is_seed); }

  // Blank where a point of the group lacks the figure: a mean of the others is not the group's.
  void append_mean(TableRow& row, const Group& group, const std::string& column) const {
    std::vector<double> values;
    for (const StoredPoint* point : group) {
      const double value = run_.figure(*point, column);
      if (std::isfinite(value)) values.push_back(value);
    }
    if (values.size() < group.size()) values.clear();
    const MeanInterval interval = mean_interval(values);
    row.push_back(number_cell(interval.mean));
    if (over_seeds()) return row.push_back(number_cell(interval.half_width));
    const auto ends = std::minmax_element(values.begin(), values.end());
    row.push_back(values.empty() ? Cell{} : number_cell(*ends.first));
    row.push_back(values.empty() ? Cell{} : number_cell(*ends.second));
  }

  const StoredRun& run_;
  const PointQuery& query_;
  std::vector<const StoredPoint*> points_;
  std::vector<std::string> columns_;
};

// Numbers by size, texts after them by their letters.
bool comes_before(const Cell& a, const Cell& b) {
  const bool a_is_number = a.kind == Cell::Kind::number;
  const bool b_is_number = b.kind == Cell::Kind::number;
  if (a_is_number != b_is_number) return a_is_number;
  return a_is_number ? std::stod(a.text) < std::stod(b.text) : a.text < b.text;
}

void sort_rows(QueryTable& table, const PointQuery& query) {
  require(table.headers, query.sort, "--sort");
  const auto column = static_cast<std::size_t>(
      std::find(table.headers.begin(), table.headers.end(), query.sort) - table.headers.begin());
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const TableRow& a, const TableRow& b) {
    const bool a_is_null = a[column].kind == Cell::Kind::null;
    const bool b_is_null = b[column].kind == Cell::Kind::null;
    if (a_is_null || b_is_null) return !a_is_null && b_is_null;
    return query.descending ? comes_before(b[column], a[column])
                            : comes_before(a[column], b[column]);
  });
}

}  // namespace

QueryTable query_points(const StoredRun& run, const PointQuery& query) {
  PointQuery wanted = query;
  // What rows are sorted by is shown; a run without figures has nothing but its order.
  const bool is_default = query.sort == PointQuery{}.sort;
  if (is_default && !contains(run.columns, query.sort))
    wanted.sort = query.over.empty() ? "index" : "count";
  const bool is_figure = contains(run.columns, wanted.sort);
  if (is_figure && !wanted.columns.empty() && !contains(wanted.columns, wanted.sort)) {
    wanted.columns.push_back(wanted.sort);
  }
  const Answer answer(run, wanted);
  QueryTable table = wanted.over.empty() ? answer.of_points() : answer.of_groups();
  sort_rows(table, wanted);
  table.num_found = table.rows.size();
  if (query.limit > 0 && table.rows.size() > query.limit) table.rows.resize(query.limit);
  return table;
}

}  // namespace moesim::experiments
