// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "experiments/results/csv_table.h"
#include "experiments/results/point_query.h"

namespace moesim::cli {
namespace {

using experiments::Cell;

constexpr std::size_t kDefaultLimit = 20;

struct ResultsOptions {
  std::string run;
  experiments::PointQuery query;
  bool json = false;
  bool csv = false;
};

// Six significant digits; whole numbers as they are.
std::string shown(const Cell& cell) {
  if (cell.kind == Cell::Kind::null) return "-";
  if (cell.kind != Cell::Kind::number) {
    std::string text = cell.text;
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }
  if (cell.text.find_first_of(".e") == std::string::npos) return cell.text;
  return fmt::format("{:.6g}", std::stod(cell.text));
}

// Columns of one width each, numbers to the right; the last one ends with its text.
void print_text(const experiments::QueryTable& table) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < table.headers.size(); ++column) {
    std::size_t width = table.headers[column].size();
    for (const auto& row : table.rows) width = std::max(width, shown(row[column]).size());
    widths.push_back(width);
  }
  const auto print_line = [&](const auto& text_of, const auto& is_number) {
    std::string line;
    for (std::size_t column = 0; column < table.headers.size(); ++column) {
      line += column == 0 ? "" : "  ";
      line += is_number(column) ? fmt::format("{:>{}}", text_of(column), widths[column])
                                : fmt::format("{:<{}}", text_of(column), widths[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  };
  const auto has_numbers = [&](std::size_t column) {
    return !table.rows.empty() && table.rows.front()[column].kind != Cell::Kind::text;
  };
  print_line([&](std::size_t column) { return table.headers[column]; }, has_numbers);
  for (const auto& row : table.rows) {
    print_line([&](std::size_t column) { return shown(row[column]); }, has_numbers);
  }
}

base::JsonValue json_of(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::text:
      return base::json_of(cell.text);
    case Cell::Kind::null:
      return {};
    default:
      return base::parse_json(cell.text, "number");
  }
}

void print_json(const experiments::QueryTable& table) {
  for (const auto& row : table.rows) {
    base::JsonValue object = base::json_object();
    for (std::size_t column = 0; column < row.size(); ++column) {
      base::add_member(object, table.headers[column], json_of(row[column]));
    }
    std::printf("%s\n", base::to_text(object, base::JsonStyle::compact).c_str());
  }
}

void print_csv(const experiments::QueryTable& table) {
  std::fputs(experiments::csv_line(table.headers).c_str(), stdout);
  for (const auto& row : table.rows) {
    std::vector<std::string> fields;
    for (const Cell& cell : row) fields.push_back(cell.text);
    std::fputs(experiments::csv_line(fields).c_str(), stdout);
  }
}

void show(const ResultsOptions& options) {
  const experiments::StoredRun run = experiments::read_run(options.run);
  const std::string lost = experiments::lost_rows_text(run);
  if (!lost.empty()) std::fprintf(stderr, "moesim: %s\n", lost.c_str());
  const experiments::QueryTable table = experiments::query_points(run, options.query);
  if (options.json) return print_json(table);
  if (options.csv) return print_csv(table);
  std::printf("%s: %zu of %zu points, %s%s\n\n", run.name.c_str(), run.points.size(),
              run.num_points, run.status.c_str(), lost.empty() ? "" : ", rows missing");
  print_text(table);
  if (table.rows.empty()) std::printf("no point is as asked\n");
  if (table.rows.size() < table.num_found) {
    std::printf("\n%zu of %zu rows; --limit 0 shows all\n", table.rows.size(), table.num_found);
  }
}

}  // namespace

void add_results_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("results", "Show the points of a run as a table");
  auto options = std::make_shared<ResultsOptions>();
  options->query.limit = kDefaultLimit;
  command->add_option("run", options->run, "A run's folder, or an experiment's for its latest run")
      ->required();
  command->add_option("--sort", options->query.sort, "An axis, a figure or \"index\"")
      ->capture_default_str();
  command->add_flag("--descending", options->query.descending, "The largest first");
  command->add_option("--limit", options->query.limit, "Rows to show; 0: all")
      ->check(CLI::Range(0, 1000000000))
      ->capture_default_str();
  command->add_option("--columns", options->query.columns, "Figures to show: mfu,drop_rate")
      ->delimiter(',')
      ->expected(1)
      ->take_all();
  command->add_option("--where", options->query.where, "Only points with axis=value (repeatable)")
      ->expected(1)
      ->take_all();
  command->add_option("--status", options->query.status, "Only points with this status")
      ->check(CLI::IsMember({"ok", "failed", "skipped"}));
  command
      ->add_option(
          "--over", options->query.over,
          "Means over this axis, with 95 % confidence intervals over seeds and the least and the "
          "most over others (repeatable)")
      ->expected(1)
      ->take_all();
  CLI::Option* json = command->add_flag("--json", options->json, "Print one JSON object a line");
  command->add_flag("--csv", options->csv, "Print comma-separated values")->excludes(json);
  command->callback([options] { show(*options); });
}

}  // namespace moesim::cli
