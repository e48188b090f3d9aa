// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "experiments/bench_arguments.h"
#include "experiments/bench_table.h"
#include "experiments/collective_bench.h"

namespace moesim::cli {
namespace {

using experiments::BenchColumn;
using experiments::BenchFigures;
using experiments::BenchRow;
using experiments::CollectiveBench;
using experiments::ElementType;

constexpr std::array<ElementType, 6> kTypes = {{
    {"float", 4},
    {"half", 2},
    {"bfloat16", 2},
    {"double", 8},
    {"int8", 1},
    {"fp8", 1},
}};

struct BenchOptions {
  experiments::BenchRequest request;
  std::vector<std::string> comparisons;
  std::string begin = "32M";  // nccl-tests' own defaults
  std::string end;            // "": begin
  double factor = 0;
  std::string step;
  std::string type = "float";
  bool json = false;
  bool stats = false;
};

const ElementType& type_of(const BenchOptions& options) {
  std::vector<std::string> names;
  for (const ElementType& type : kTypes) {
    if (type.name == options.type) return type;
    names.emplace_back(type.name);
  }
  const std::string near = base::did_you_mean(options.type, names);
  throw base::Error("--datatype", "there is no type \"" + options.type + "\"",
                    near.empty() ? "use float, half, bfloat16, double, int8 or fp8" : near);
}

std::vector<base::Bytes> sizes_for(const BenchOptions& options, const ElementType& type,
                                   const CollectiveBench& bench) {
  if (bench.own_size().value > 0) return {bench.own_size()};
  experiments::SizeRange range;
  range.begin = experiments::parse_size(options.begin, "-b");
  range.end = options.end.empty() ? range.begin : experiments::parse_size(options.end, "-e");
  range.factor = options.factor;
  if (!options.step.empty()) range.step = experiments::parse_size(options.step, "-i");
  return experiments::sizes_of(range, experiments::granule_of(type, bench));
}

// A column that cannot be made has an error; only where all have, the first is thrown.
std::vector<BenchColumn> columns_of(const BenchOptions& options) {
  std::vector<BenchColumn> columns;
  for (const experiments::BenchVariant& variant :
       experiments::bench_variants(options.request, options.comparisons)) {
    BenchColumn& column = columns.emplace_back();
    column.variant = variant;
    try {
      column.bench.emplace(experiments::bench_case(variant));
    } catch (const base::Error& error) {
      column.error = error;
    }
  }
  return columns;
}

bool all_failed(const std::vector<BenchColumn>& columns) {
  return std::all_of(columns.begin(), columns.end(),
                     [](const BenchColumn& column) { return column.error.has_value(); });
}

void require_a_sound_one(const std::vector<BenchColumn>& columns) {
  if (all_failed(columns)) throw base::Error(*columns.front().error);
}

// Those that hold for some columns only say for which.
void print_warnings(const std::vector<BenchColumn>& columns) {
  std::map<std::string, std::size_t> told;
  std::size_t sound = 0;
  for (const BenchColumn& column : columns) {
    if (!column.bench) continue;
    ++sound;
    for (const std::string& warning : column.bench->bench().warnings) ++told[warning];
  }
  for (const BenchColumn& column : columns) {
    if (!column.bench) continue;
    for (const std::string& warning : column.bench->bench().warnings) {
      const std::size_t times = told[warning];
      if (times == 0) continue;
      const std::string of = times == sound ? "" : column.variant.label + ": ";
      if (times == sound) told[warning] = 0;  // once for all
      std::fprintf(stderr, "warning: %s%s\n", of.c_str(), warning.c_str());
    }
  }
}

std::optional<BenchFigures> measure(BenchColumn& column, base::Bytes size) {
  if (column.error) return std::nullopt;
  try {
    return column.bench->measure(size);
  } catch (const base::Error& error) {
    column.error = error;
    return std::nullopt;
  }
}

BenchRow measure(std::vector<BenchColumn>& columns, base::Bytes size, const ElementType& type) {
  BenchRow row{size, type, {}};
  for (BenchColumn& column : columns) row.figures.push_back(measure(column, size));
  return row;
}

// Returns how many columns have failed.
int print_errors(const std::vector<BenchColumn>& columns) {
  int failed = 0;
  for (const BenchColumn& column : columns) {
    if (!column.error) continue;
    ++failed;
    const std::string of = column.variant.label.empty() ? "" : column.variant.label + ": ";
    std::fprintf(stderr, "%s%s\n", of.c_str(), column.error->what());
  }
  return failed;
}

void print_row(const BenchOptions& options, const std::vector<BenchColumn>& columns,
               const BenchRow& row) {
  const std::string text = options.json ? experiments::json_lines(columns, row, options.stats)
                                        : experiments::table_row(columns, row);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

int run(const BenchOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const ElementType& type = type_of(options);
  std::vector<BenchColumn> columns = columns_of(options);
  require_a_sound_one(columns);
  const std::vector<base::Bytes> sizes = sizes_for(options, type, experiments::counted(columns));
  // What is wrong comes before the table, so its first row is measured before its head is printed.
  BenchRow row = measure(columns, sizes.front(), type);
  require_a_sound_one(columns);
  print_warnings(columns);
  if (!options.json) std::fputs(experiments::table_head(columns).c_str(), stdout);
  double simulating = 0;
  for (std::size_t i = 0; i < sizes.size() && !all_failed(columns); ++i) {
    if (i > 0) row = measure(columns, sizes[i], type);
    for (const auto& figures : row.figures) simulating += figures ? figures->wall_s : 0.0;
    print_row(options, columns, row);
  }
  const int failed = print_errors(columns);
  if (options.stats) {
    const std::chrono::duration<double> all = std::chrono::steady_clock::now() - start;
    std::fprintf(stderr, "wall time %.3f s, of which simulating %.3f s\n", all.count(), simulating);
  }
  return failed > 0 ? kSomeFailed : 0;
}

void add_sizes(CLI::App& command, BenchOptions& options) {
  command
      .add_option("-b,--minbytes", options.begin,
                  "Smallest size: 8, 64K, 128M (powers of 1024) or \"100 MB\"; rounded up to "
                  "whole elements of every rank")
      ->capture_default_str();
  command.add_option("-e,--maxbytes", options.end, "Largest size (default: the smallest)");
  command.add_option("-f,--stepfactor", options.factor, "Each size is so many times the last");
  command.add_option("-i,--stepbytes", options.step, "Each size is so much more than the last");
  command
      .add_option("-d,--datatype", options.type,
                  "float, half, bfloat16, double, int8 or fp8: what the count counts")
      ->capture_default_str();
}

void add_traffic(CLI::App& command, experiments::BenchRequest& request) {
  command.add_option("--skew", request.skew,
                     "Shape of an all_to_all's bytes: uniform, zipf, dirichlet, w0 to w7; its "
                     "numbers are routing.synthetic's (--set)");
  command.add_option("--seed", request.seed, "Of the skew");
  command.add_option("--matrix", request.matrix,
                     "JSON file: bytes of an all_to_all, one list per source");
  command.add_option("--message-bytes", request.message_bytes,
                     "Bytes of a message of all_to_all low_latency");
}

}  // namespace

void add_bench_collective_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "bench-collective", "Simulate one collective by sizes, in the table of nccl-tests");
  auto options = std::make_shared<BenchOptions>();
  experiments::BenchRequest& request = options->request;
  command
      ->add_option("--cluster", request.cluster,
                   "A preset of topologies/presets/clusters, or an experiment file whose sections "
                   "cluster, comm, network and routing.synthetic count")
      ->required();
  command
      ->add_option("--set", request.assignments,
                   "Set a key: --set cluster.num_nodes=8 (repeatable)")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--collective", request.collective,
                   "all_to_all, all_reduce, all_gather, reduce_scatter, broadcast or send_recv")
      ->capture_default_str();
  command->add_option("--algorithm", request.algorithm,
                      "The collective's algorithm (default: the comm section's, else the first)");
  command->add_option("--fidelity", request.fidelity,
                      "analytic, collective or flow (default: the network section's)");
  command->add_option("--ranks", request.ranks,
                      "Who takes part: 64 (the first 64), or 0-7,16 (default: all)");
  add_sizes(*command, *options);
  add_traffic(*command, request);
  command
      ->add_option("--compare", options->comparisons,
                   "Columns side by side: --compare fidelity=analytic,flow, or cluster, topology, "
                   "algorithm, skew, a key of --set (repeatable)")
      ->expected(1)
      ->take_all();
  command->add_flag("--json", options->json, "Print one JSON object per figure, one a line");
  command->add_flag("--stats", options->stats, "Say on stderr how long the simulation took");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace moesim::cli
