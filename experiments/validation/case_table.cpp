// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/case_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file_bytes.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // that spreadsheets begin UTF-8 with

struct Column {
  std::string key;
  std::string unit;  // "" where there is none
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    cells.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return cells;
}

Column column_of(std::string_view cell) {
  const auto open = cell.find('[');
  if (open == std::string_view::npos || cell.back() != ']') return {std::string(cell), {}};
  return {std::string(trimmed(cell.substr(0, open))),
          std::string(trimmed(cell.substr(open + 1, cell.size() - open - 2)))};
}

std::vector<Column> columns_of(std::string_view line, const base::Place& place) {
  std::vector<Column> columns;
  for (const std::string_view cell : cells_of(line)) {
    const Column column = column_of(cell);
    if (column.key.empty()) {
      throw base::Error(place.text(), "a column has no key", "name it, or remove the comma");
    }
    for (const Column& other : columns) {
      if (other.key != column.key) continue;
      throw base::Error(place.text(), "two columns are called \"" + column.key + "\"",
                        "remove one of them");
    }
    columns.push_back(column);
  }
  return columns;
}

template <class Number>
std::optional<Number> number_in(std::string_view cell) {
  Number number{};
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  if (!std::isfinite(static_cast<double>(number))) return std::nullopt;  // "nan", "inf": text
  return number;
}

JsonValue value_of(std::string_view cell, const Column& column, const base::Place& place) {
  const bool is_number = number_in<double>(cell).has_value();
  if (!column.unit.empty()) {
    if (is_number) return base::json_of(std::string(cell) + " " + column.unit);
    throw base::Error(place.text(),
                      "\"" + std::string(cell) + "\" is not a number of " + column.unit,
                      "leave the cell empty where there is no value");
  }
  if (const auto whole = number_in<std::int64_t>(cell)) return base::json_of(*whole);
  if (is_number) return base::json_of(*number_in<double>(cell));
  if (cell == "true" || cell == "false") return base::json_of(cell == "true");
  return base::json_of(std::string(cell));
}

JsonValue row_of(std::string_view line, const std::vector<Column>& columns,
                 const base::Place& place) {
  const std::vector<std::string_view> cells = cells_of(line);
  if (cells.size() != columns.size()) {
    throw base::Error(
        place.text(),
        std::to_string(cells.size()) + " cells under " + std::to_string(columns.size()) + " keys",
        "give each key a cell, empty where there is no value");
  }
  JsonValue row = base::json_object();
  row.place = place;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].empty()) continue;
    base::Place at = place;
    at.column = static_cast<int>(cells[i].data() - line.data()) + 1;
    JsonValue value = value_of(cells[i], columns[i], at);
    value.place = at;
    base::add_member(row, columns[i].key, std::move(value));
    row.members.back().place = at;
  }
  return row;
}

}  // namespace

std::vector<JsonValue> read_table(const std::filesystem::path& file) {
  std::string text = base::InputFile(file, "name a CSV file").text();
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  std::istringstream stream(std::move(text));
  const auto origin = std::make_shared<const std::string>(file.string());
  std::vector<Column> columns;
  std::vector<JsonValue> rows;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const base::Place place{origin, number, 1};
    if (trimmed(line).empty() || line.front() == '#') continue;
    if (columns.empty()) {
      columns = columns_of(line, place);
    } else {
      rows.push_back(row_of(line, columns, place));
    }
  }
  if (rows.empty()) throw base::Error(file.string(), "the table has no rows", "add a case a line");
  return rows;
}

}  // namespace moesim::experiments
