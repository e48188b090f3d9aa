// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/json_value.h"
#include "base/named_table.h"
#include "cli/commands.h"
#include "experiments/collective_bench.h"

namespace moesim::cli {
namespace {

using experiments::BenchFigures;
using experiments::CollectiveBench;

// nccl-tests' names of element types.
struct ElementType {
  const char* name;
  int bytes;
};
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

// Sizes are whole elements; those that ranks cut into blocks, whole elements of each.
base::Bytes granule_of(const BenchOptions& options, const CollectiveBench& bench) {
  const bool in_blocks = bench.bench().collective.kind == sim::CollectiveKind::all_to_all ||
                         bench.bench().collective.kind == sim::CollectiveKind::all_gather ||
                         bench.bench().collective.kind == sim::CollectiveKind::reduce_scatter;
  return base::Bytes(static_cast<double>(type_of(options).bytes) *
                     (in_blocks ? bench.num_ranks() : 1));
}

std::vector<base::Bytes> sizes_for(const BenchOptions& options, const CollectiveBench& bench) {
  if (bench.own_size().value > 0) return {bench.own_size()};
  experiments::SizeRange range;
  range.begin = experiments::parse_size(options.begin, "-b");
  range.end = options.end.empty() ? range.begin : experiments::parse_size(options.end, "-e");
  range.factor = options.factor;
  if (!options.step.empty()) range.step = experiments::parse_size(options.step, "-i");
  return experiments::sizes_of(range, granule_of(options, bench));
}

// Elements that a rank hands to one call: of one block where nccl-tests count so.
double count_of(const BenchOptions& options, const CollectiveBench& bench, base::Bytes size) {
  return size / granule_of(options, bench);
}

std::string heading(const CollectiveBench& bench) {
  const experiments::BenchCase& b = bench.bench();
  std::string text = fmt::format(
      "# {}{}{} on {} of {} ranks of {}, fidelity {}", base::name_in_words(b.collective.kind),
      b.collective.algorithm.empty() ? "" : " ", b.collective.algorithm, bench.num_ranks(),
      topologies::count_ranks(b.cluster), b.cluster_name, base::name_in_words(b.fidelity));
  if (b.skew.distribution != sim::Distribution::uniform) {
    text += fmt::format(", skew {} seed {}", base::name_in_words(b.skew.distribution), b.seed);
  }
  if (!b.protocol.preset.empty()) text += ", protocol " + b.protocol.preset;
  return text + "\n";
}

void print_headings(const std::vector<CollectiveBench>& benches) {
  for (const CollectiveBench& bench : benches) {
    if (!bench.bench().label.empty()) std::printf("# %s: ", bench.bench().label.c_str());
    std::fputs(heading(bench).substr(bench.bench().label.empty() ? 0 : 2).c_str(), stdout);
  }
  std::string labels(38, ' ');
  std::string columns = fmt::format("#{:>13} {:>13} {:>9}", "size", "count", "type");
  std::string units = fmt::format("#{:>13} {:>13} {:>9}", "(B)", "(elements)", "");
  labels[0] = '#';
  for (std::size_t i = 0; i < benches.size(); ++i) {
    const int width = i == 0 ? 30 : 38;
    labels += fmt::format(" {:^{}}", benches[i].bench().label, width - 1);
    columns += fmt::format(" {:>12} {:>8} {:>7}", "time", "algbw", "busbw");
    units += fmt::format(" {:>12} {:>8} {:>7}", "(us)", "(GB/s)", "(GB/s)");
    if (i > 0) {
      columns += fmt::format(" {:>7}", "ratio");
      units += fmt::format(" {:>7}", "");
    }
  }
  if (benches.size() > 1) std::printf("%s\n", labels.c_str());
  std::printf("%s\n%s\n", columns.c_str(), units.c_str());
}

base::JsonValue json_of(const BenchOptions& options, const CollectiveBench& bench, base::Bytes size,
                        const BenchFigures& figures) {
  const experiments::BenchCase& b = bench.bench();
  base::JsonValue row = base::json_object();
  const auto add = [&row](const char* key, auto value) {
    base::add_member(row, key, base::json_of(value));
  };
  add("collective", base::name_in_words(b.collective.kind));
  add("algorithm", b.collective.algorithm);
  add("cluster", b.cluster_name);
  add("label", b.label);
  add("fidelity", base::name_in_words(b.fidelity));
  add("ranks", bench.num_ranks());
  if (b.collective.kind == sim::CollectiveKind::all_to_all) {
    add("skew", b.collective.traffic.empty() ? base::name_in_words(b.skew.distribution)
                                             : std::string("matrix"));
    add("seed", b.seed);
  }
  add("size_bytes", size.value);
  add("count", count_of(options, bench, size));
  add("type", options.type);
  add("time_s", figures.time.value);
  add("floor_s", figures.floor.value);
  add("algbw_bytes_per_s", figures.algbw.value);
  add("busbw_bytes_per_s", figures.busbw.value);
  if (options.stats) add("wall_s", figures.wall_s);
  return row;
}

void print_row(const BenchOptions& options, const std::vector<CollectiveBench>& benches,
               base::Bytes size, const std::vector<BenchFigures>& figures) {
  if (options.json) {
    for (std::size_t i = 0; i < benches.size(); ++i) {
      const base::JsonValue row = json_of(options, benches[i], size, figures[i]);
      std::printf("%s\n", base::to_text(row, base::JsonStyle::compact).c_str());
    }
    return;
  }
  std::string text = fmt::format(" {:>13.0f} {:>13.0f} {:>9}", size.value,
                                 count_of(options, benches.front(), size), options.type);
  for (std::size_t i = 0; i < benches.size(); ++i) {
    text += fmt::format(" {:>12.2f} {:>8.2f} {:>7.2f}", figures[i].time.value * 1e6,
                        figures[i].algbw.value / 1e9, figures[i].busbw.value / 1e9);
    if (i > 0) {
      const double base_time = figures[0].time.value;
      text += base_time > 0 ? fmt::format(" {:>7.3f}", figures[i].time.value / base_time)
                            : fmt::format(" {:>7}", "-");
    }
  }
  std::printf("%s\n", text.c_str());
}

void run(const BenchOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<CollectiveBench> benches;
  for (experiments::BenchCase& bench :
       experiments::bench_cases(options.request, options.comparisons)) {
    benches.emplace_back(std::move(bench));
  }
  const std::vector<base::Bytes> sizes = sizes_for(options, benches.front());
  if (!options.json) print_headings(benches);
  double simulating = 0;
  for (const base::Bytes size : sizes) {
    std::vector<BenchFigures> figures;
    for (CollectiveBench& bench : benches) {
      figures.push_back(bench.measure(size));
      simulating += figures.back().wall_s;
    }
    print_row(options, benches, size, figures);
    std::fflush(stdout);
  }
  if (!options.stats) return;
  const std::chrono::duration<double> all = std::chrono::steady_clock::now() - start;
  std::fprintf(stderr, "wall time %.3f s, of which simulating %.3f s\n", all.count(), simulating);
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

void add_bench_collective_command(CLI::App& app) {
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
  command->callback([options] { run(*options); });
}

}  // namespace moesim::cli
