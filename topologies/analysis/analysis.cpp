// SPDX-License-Identifier: Apache-2.0
#include "topologies/analysis/analysis.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "base/named_table.h"
#include "base/rng.h"
#include "topologies/analysis/hop_counts.h"
#include "topologies/analysis/max_flow.h"
#include "topologies/graph.h"
#include "topologies/import_export/cluster_reader.h"

namespace moesim::topologies {
namespace {

std::vector<VertexFigures> vertex_figures(const Cluster& cluster) {
  std::vector<VertexFigures> figures;
  for (const auto& [kind, name] : names_of(VertexKind{})) {
    const auto count = std::count_if(cluster.vertices.begin(), cluster.vertices.end(),
                                     [kind = kind](const Vertex& v) { return v.kind == kind; });
    if (count > 0) figures.push_back({name, static_cast<int>(count)});
  }
  return figures;
}

// Parallel cables count each; links that nothing answers count as half a cable, rounded up.
int count_cables(const Cluster& cluster, LinkKind kind) {
  std::map<std::pair<int, int>, std::pair<int, int>> between;  // links up and down the pair
  for (const Link& link : cluster.links) {
    if (link.kind != kind) continue;
    auto& [rising, falling] = between[std::minmax(link.from, link.to)];
    ++(link.from < link.to ? rising : falling);
  }
  int cables = 0;
  for (const auto& [ends, links] : between) cables += std::max(links.first, links.second);
  return cables;
}

std::vector<LinkFigures> link_figures(const Cluster& cluster) {
  std::vector<LinkFigures> all;
  for (const auto& [kind, name] : names_of(LinkKind{})) {
    LinkFigures figures;
    figures.kind = name;
    figures.least_bytes_per_s = std::numeric_limits<double>::infinity();
    for (const Link& link : cluster.links) {
      if (link.kind != kind) continue;
      ++figures.links;
      figures.bandwidth_bytes_per_s += link.bandwidth.value;
      figures.least_bytes_per_s = std::min(figures.least_bytes_per_s, link.bandwidth.value);
      figures.most_bytes_per_s = std::max(figures.most_bytes_per_s, link.bandwidth.value);
    }
    if (figures.links == 0) continue;
    figures.cables = count_cables(cluster, kind);
    all.push_back(figures);
  }
  return all;
}

std::vector<TierFigures> tier_figures(const Cluster& cluster) {
  const std::vector<int> tier_of = tiers_of(cluster);
  std::map<int, TierFigures> tiers;
  std::vector<int> ports(cluster.vertices.size());
  for (const Link& link : cluster.links) {
    ++ports[link.to];  // a cable comes in once
    if (cluster.vertices[link.from].kind != VertexKind::fabric_switch) continue;
    TierFigures& figures = tiers[tier_of[link.from]];
    const int step = tier_of[link.to] - tier_of[link.from];
    (step < 0    ? figures.down_bytes_per_s
     : step == 0 ? figures.across_bytes_per_s
                 : figures.up_bytes_per_s) += link.bandwidth.value;
  }
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    if (cluster.vertices[v].kind != VertexKind::fabric_switch) continue;
    TierFigures& figures = tiers[tier_of[v]];
    ++figures.switches;
    figures.most_ports = std::max(figures.most_ports, ports[v]);
  }
  std::vector<TierFigures> list;
  for (auto& [tier, figures] : tiers) {
    figures.tier = tier;
    if (figures.up_bytes_per_s > 0) {
      figures.oversubscription = figures.down_bytes_per_s / figures.up_bytes_per_s;
    }
    list.push_back(figures);
  }
  return list;
}

DistanceFigures distance_figures(const Cluster& cluster, int max_sources) {
  const int ranks = cluster.num_ranks();
  DistanceFigures figures;
  figures.sources = std::min(ranks, max_sources);
  HopCounter counter(cluster);
  double sum = 0;
  std::int64_t reached = 0;
  for (int i = 0; i < figures.sources; ++i) {
    const auto source = static_cast<int>(std::int64_t{i} * ranks / figures.sources);
    const HopCounts& counts = counter.from(cluster.accelerators[source]);
    for (int rank = 0; rank < ranks; ++rank) {
      if (rank == source) continue;
      const int hops = counts.hops[cluster.accelerators[rank]];
      figures.unreachable_pairs += hops == kUnreachable;
      if (hops == kUnreachable) continue;
      figures.diameter_hops = std::max(figures.diameter_hops, hops);
      sum += hops;
      ++reached;
    }
  }
  if (reached > 0) figures.mean_hops = sum / static_cast<double>(reached);
  return figures;
}

void shuffle(std::vector<int>& values, base::Rng& rng) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[rng.below(i)]);
}

// The ranks on the first half of the nodes, in the order given; of the ranks on a single node.
std::pair<std::vector<int>, std::vector<int>> halves_of(const Cluster& cluster,
                                                        const std::vector<int>& order) {
  std::vector<bool> first(order.size());
  for (std::size_t i = 0; i < order.size() / 2; ++i) first[order[i]] = true;
  std::pair<std::vector<int>, std::vector<int>> halves;
  for (int rank = 0; rank < cluster.num_ranks(); ++rank) {
    const int part = cluster.num_nodes > 1 ? cluster.node_of_rank(rank) : rank;
    (first[part] ? halves.first : halves.second).push_back(rank);
  }
  return halves;
}

BisectionFigures bisection_figures(const Cluster& cluster, MaxFlow& flow,
                                   const AnalysisOptions& options) {
  std::vector<int> ranks(cluster.num_ranks());
  std::iota(ranks.begin(), ranks.end(), 0);
  const std::span<const int> all(ranks);
  const std::size_t half = all.size() / 2;
  BisectionFigures figures;
  figures.random_cuts = options.random_cuts;
  figures.halves_bytes_per_s = flow.bandwidth(all.first(half), all.subspan(half)).value;
  figures.worst_bytes_per_s = figures.halves_bytes_per_s;
  base::Rng rng(options.seed, "bisection");
  std::vector<int> order(cluster.num_nodes > 1 ? cluster.num_nodes : cluster.num_ranks());
  for (int cut = 0; cut < options.random_cuts; ++cut) {
    std::iota(order.begin(), order.end(), 0);
    shuffle(order, rng);
    const auto [first, second] = halves_of(cluster, order);
    const double bandwidth = flow.bandwidth(first, second).value;
    figures.worst_bytes_per_s = std::min(figures.worst_bytes_per_s, bandwidth);
  }
  double injected = 0;
  for (const Link& link : cluster.links) {
    const bool leaves = cluster.vertices[link.from].kind == VertexKind::nic;
    if (link.kind == LinkKind::nic && leaves) injected += link.bandwidth.value;
  }
  if (injected > 0) figures.fraction_of_nics = figures.worst_bytes_per_s / (injected / 2);
  return figures;
}

// Ranks on different nodes where there are several, else different ranks.
std::pair<int, int> random_pair(const Cluster& cluster, base::Rng& rng) {
  const auto ranks = static_cast<std::uint64_t>(cluster.num_ranks());
  while (true) {
    const int source = static_cast<int>(rng.below(ranks));
    const int sink = static_cast<int>(rng.below(ranks));
    const bool apart = cluster.node_of_rank(source) != cluster.node_of_rank(sink);
    if (source != sink && (apart || cluster.num_nodes == 1)) return {source, sink};
  }
}

DiversityFigures diversity_figures(const Cluster& cluster, MaxFlow& flow,
                                   const AnalysisOptions& options) {
  DiversityFigures figures;
  figures.pairs = options.pairs;
  figures.least_disjoint_ways = std::numeric_limits<std::int64_t>::max();
  figures.least_shortest_ways = std::numeric_limits<double>::infinity();
  base::Rng rng(options.seed, "path_diversity");
  HopCounter counter(cluster);
  for (int pair = 0; pair < options.pairs; ++pair) {
    const auto [source, sink] = random_pair(cluster, rng);
    const std::int64_t disjoint = flow.disjoint_ways(source, sink);
    const double shortest =
        counter.from(cluster.accelerators[source]).ways[cluster.accelerators[sink]];
    figures.least_disjoint_ways = std::min(figures.least_disjoint_ways, disjoint);
    figures.least_shortest_ways = std::min(figures.least_shortest_ways, shortest);
    figures.mean_disjoint_ways += static_cast<double>(disjoint) / options.pairs;
    figures.mean_shortest_ways += shortest / options.pairs;
  }
  return figures;
}

}  // namespace

std::vector<int> tiers_of(const Cluster& cluster) {
  std::vector<int> tiers(cluster.vertices.size());
  std::vector<int> queue;
  const auto is_fabric = [&](int v) {
    return cluster.vertices[v].kind == VertexKind::fabric_switch;
  };
  for (const Link& link : cluster.links) {
    if (!is_fabric(link.from) && is_fabric(link.to) && tiers[link.to] == 0) {
      tiers[link.to] = 1;
      queue.push_back(link.to);
    }
  }
  std::vector<std::vector<int>> heads(cluster.vertices.size());
  for (const Link& link : cluster.links) {
    if (is_fabric(link.from) && is_fabric(link.to)) heads[link.from].push_back(link.to);
  }
  for (std::size_t at = 0; at < queue.size(); ++at) {
    for (const int head : heads[queue[at]]) {
      if (tiers[head] != 0) continue;
      tiers[head] = tiers[queue[at]] + 1;
      queue.push_back(head);
    }
  }
  for (std::size_t v = 0; v < tiers.size(); ++v) {
    if (is_fabric(static_cast<int>(v)) && cluster.vertices[v].tier > 0) {
      tiers[v] = cluster.vertices[v].tier;
    }
  }
  return tiers;
}

ClusterFigures analyse(const Cluster& cluster, const AnalysisOptions& options) {
  ClusterFigures figures;
  figures.num_ranks = cluster.num_ranks();
  figures.num_nodes = cluster.num_nodes;
  figures.num_reducers = static_cast<int>(cluster.reducers.size());
  figures.vertices = vertex_figures(cluster);
  figures.links = link_figures(cluster);
  figures.tiers = tier_figures(cluster);
  figures.distance = distance_figures(cluster, options.max_sources);
  if (cluster.num_ranks() < 2) return figures;
  MaxFlow flow(cluster);
  figures.bisection = bisection_figures(cluster, flow, options);
  figures.diversity = diversity_figures(cluster, flow, options);
  return figures;
}

}  // namespace moesim::topologies
