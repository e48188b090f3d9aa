// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <iterator>
#include <memory>

#include "base/data_directory.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/named_table.h"
#include "cli/cluster_argument.h"
#include "cli/commands.h"
#include "experiments/runs/point_files.h"
#include "topologies/analysis/analysis.h"
#include "topologies/cluster_config.h"
#include "topologies/draw/draw.h"
#include "topologies/import_export/import_export.h"

namespace moesim::cli {
namespace {

struct TopologyOptions {
  std::string cluster;
  std::vector<std::string> assignments;
  std::string output;
  std::string title;
  bool json = false;
};

double gigabytes(double bytes_per_s) { return bytes_per_s / 1e9; }

std::string kinds_text(const topologies::ClusterFigures& figures) {
  std::string text;
  for (const topologies::VertexFigures& vertices : figures.vertices) {
    text += fmt::format("  {:<17} {:>8}\n", vertices.kind, vertices.count);
  }
  text += fmt::format("{:<19} {:>8} {:>14} {:>21}\n", "cables", "number", "sum GB/s", "each GB/s");
  for (const topologies::LinkFigures& links : figures.links) {
    const std::string least = fmt::format("{:.6g}", gigabytes(links.least_bytes_per_s));
    const std::string most = fmt::format("{:.6g}", gigabytes(links.most_bytes_per_s));
    text += fmt::format("  {:<17} {:>8} {:>14.0f} {:>21}\n", links.kind, links.cables,
                        gigabytes(links.bandwidth_bytes_per_s) / 2,
                        least == most ? most : least + " - " + most);
  }
  return text;
}

std::string tiers_text(const topologies::ClusterFigures& figures) {
  if (figures.tiers.empty()) return {};
  std::string text = fmt::format("{:<19} {:>8} {:>6} {:>11} {:>11} {:>11}  {}\n", "tiers",
                                 "switches", "ports", "down GB/s", "up GB/s", "across", "down:up");
  for (const topologies::TierFigures& tier : figures.tiers) {
    text += fmt::format(
        "  {:<17} {:>8} {:>6} {:>11.0f} {:>11.0f} {:>11.0f}  {}\n", tier.tier, tier.switches,
        tier.most_ports, gigabytes(tier.down_bytes_per_s), gigabytes(tier.up_bytes_per_s),
        gigabytes(tier.across_bytes_per_s),
        tier.oversubscription ? fmt::format("{:.4g}:1", *tier.oversubscription) : std::string("-"));
  }
  return text;
}

std::string ways_text(const topologies::ClusterFigures& figures) {
  const topologies::DistanceFigures& distance = figures.distance;
  std::string text = fmt::format("distance            {} links at most, {:.2f} in the mean{}\n",
                                 distance.diameter_hops, distance.mean_hops,
                                 distance.sources < figures.num_ranks
                                     ? fmt::format(" (from {} ranks)", distance.sources)
                                     : std::string());
  if (distance.unreachable_pairs > 0) {
    text += fmt::format("                    {} pairs only through other accelerators\n",
                        distance.unreachable_pairs);
  }
  if (const auto& cut = figures.bisection) {
    text += fmt::format("bisection           {:.0f} GB/s between the halves of the ranks\n",
                        gigabytes(cut->halves_bytes_per_s));
    text += fmt::format("                    {:.0f} GB/s the worst of it and {} random halves{}\n",
                        gigabytes(cut->worst_bytes_per_s), cut->random_cuts,
                        cut->fraction_of_nics ? fmt::format(", {:.1f} % of what the NICs send",
                                                            100 * *cut->fraction_of_nics)
                                              : std::string());
  }
  if (const auto& ways = figures.diversity) {
    text += fmt::format(
        "ways of a pair      {} at least, {:.2f} in the mean without a common link\n"
        "                    {:.0f} at least, {:.2f} in the mean equally short ({} pairs)\n",
        ways->least_disjoint_ways, ways->mean_disjoint_ways, ways->least_shortest_ways,
        ways->mean_shortest_ways, ways->pairs);
  }
  return text;
}

NamedCluster load(const TopologyOptions& options) {
  NamedCluster named = load_cluster(options.cluster, options.assignments);
  for (const std::string& warning : named.warnings) {
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  }
  return named;
}

void show(const TopologyOptions& options) {
  const NamedCluster named = load(options);
  const topologies::ClusterFigures figures = topologies::analyse(named.cluster);
  if (options.json) {
    std::fputs(base::write_json(figures).c_str(), stdout);
    return;
  }
  const std::string text = fmt::format("{}: {} accelerators on {} nodes\n", named.title,
                                       figures.num_ranks, figures.num_nodes) +
                           kinds_text(figures) + tiers_text(figures) + ways_text(figures);
  std::fputs(text.c_str(), stdout);
}

void need_output(const TopologyOptions& options, const char* example) {
  if (!options.output.empty()) return;
  throw base::Error("--output", "the file to write has no name", example);
}

void draw(const TopologyOptions& options) {
  need_output(options, "write -o cluster.svg");
  if (!options.output.ends_with(".svg")) {
    throw base::Error("--output", "\"" + options.output + "\" is no SVG file",
                      "end the name in .svg");
  }
  const NamedCluster named = load(options);
  const std::string& title = options.title.empty() ? named.title : options.title;
  experiments::write_file(options.output, topologies::draw_svg(named.cluster, title));
  std::printf("picture in %s\n", options.output.c_str());
}

void write_graph(const NamedCluster& named, const std::string& output) {
  const topologies::Format format = topologies::format_of(output);
  experiments::write_file(output, topologies::to_text(named.cluster, format, named.routing));
  std::printf("%d accelerators, %zu vertices and %zu links in %s\n", named.cluster.num_ranks(),
              named.cluster.vertices.size(), named.cluster.links.size(), output.c_str());
}

void export_cluster(const TopologyOptions& options) {
  need_output(options, "write -o cluster.graphml");
  topologies::format_of(options.output);  // before anything is built
  write_graph(load(options), options.output);
}

void import_cluster(const TopologyOptions& options) {
  need_output(options, "write -o cluster.json");
  topologies::format_of(options.output);
  NamedCluster named;
  named.cluster = topologies::read_cluster(options.cluster);
  write_graph(named, options.output);
}

void list() {
  std::string text = "topologies (cluster.topology)\n";
  for (const auto& [topology, name] : topologies::names_of(topologies::Topology{})) {
    text += "  " + name + "\n";
  }
  text += "presets (cluster.preset; --set cluster.num_nodes=N)\n";
  const std::string folder = "topologies/presets/clusters";
  for (const std::string& name : base::preset_names(folder)) {
    const base::JsonValue preset =
        base::read_json_file(base::data_directory() / folder / (name + ".json"));
    const base::JsonValue* topology = preset.find("topology");
    text += fmt::format("  {:<28} {}\n", name, topology == nullptr ? "" : topology->text);
  }
  std::fputs(text.c_str(), stdout);
}

using Options = std::shared_ptr<TopologyOptions>;

CLI::App* add_cluster_command(CLI::App& topology, const char* name, const char* docs,
                              const Options& options) {
  CLI::App* command = topology.add_subcommand(name, docs);
  command
      ->add_option("cluster", options->cluster,
                   "Cluster preset, experiment, cluster section (.json) or graph file (.json, "
                   ".xml, .graphml, .dot)")
      ->required();
  command
      ->add_option("--set", options->assignments,
                   "Set a key: --set cluster.num_nodes=8 (repeatable)")
      ->expected(1)
      ->take_all();
  return command;
}

}  // namespace

void add_topology_command(CLI::App& app) {
  CLI::App* topology =
      app.add_subcommand("topology", "Look at clusters, draw, import and export them");
  topology->require_subcommand(1);
  auto options = std::make_shared<TopologyOptions>();
  CLI::App* shown = add_cluster_command(*topology, "show", "Print a cluster's figures", options);
  shown->add_flag("--json", options->json, "Print the figures as one JSON object");
  shown->callback([options] { show(*options); });
  CLI::App* drawn = add_cluster_command(*topology, "draw", "Draw a cluster as SVG", options);
  drawn->add_option("-o,--output", options->output, "The picture's file")->required();
  drawn->add_option("--title", options->title, "What stands on top (default: the name)");
  drawn->callback([options] { draw(*options); });
  CLI::App* exported = add_cluster_command(*topology, "export", "Write a cluster's graph", options);
  exported
      ->add_option("-o,--output", options->output,
                   "File that ends in .json, .xml (SimGrid), .graphml or .dot")
      ->required();
  exported->callback([options] { export_cluster(*options); });
  CLI::App* imported =
      topology->add_subcommand("import", "Check a graph file and write it in another format");
  imported->add_option("file", options->cluster, "Graph file (.json, .xml, .graphml, .dot)")
      ->required();
  imported->add_option("-o,--output", options->output, "File to write, as cluster.json")
      ->required();
  imported->callback([options] { import_cluster(*options); });
  topology->add_subcommand("list", "List topologies and cluster presets")->callback(list);
}

}  // namespace moesim::cli
