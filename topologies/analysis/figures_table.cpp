// SPDX-License-Identifier: Apache-2.0
// The keys of the figures in JSON.
#include "topologies/analysis/analysis.h"

namespace moesim::topologies {

void describe(base::FieldTable& table, VertexFigures& figures) {
  table.title("vertex_figures", "Vertices of one kind.");
  table.field("kind", figures.kind, "accelerator, nic, or the kind of switch.");
  table.field("count", figures.count, "How many.");
}

void describe(base::FieldTable& table, LinkFigures& figures) {
  table.title("cable_figures", "Links of one kind.");
  table.field("kind", figures.kind, "scale_up, pcie, nic or fabric.");
  table.field("links", figures.links, "One direction each.");
  table.field("cables", figures.cables, "Both directions between two vertices.");
  table.field("bandwidth_bytes_per_s", figures.bandwidth_bytes_per_s, "Sum over the links.");
  table.field("least_bytes_per_s", figures.least_bytes_per_s, "Of one link.");
  table.field("most_bytes_per_s", figures.most_bytes_per_s, "Of one link.");
}

void describe(base::FieldTable& table, TierFigures& figures) {
  table.title("tier_figures", "Fabric switches of one tier.");
  table.field("tier", figures.tier, "1 stands next to the NICs.");
  table.field("switches", figures.switches, "How many.");
  table.field("most_ports", figures.most_ports, "Cables of the switch that has most.");
  table.field("down_bytes_per_s", figures.down_bytes_per_s, "To NICs and lower tiers, summed.");
  table.field("up_bytes_per_s", figures.up_bytes_per_s, "To higher tiers, summed.");
  table.field("across_bytes_per_s", figures.across_bytes_per_s, "Within the tier, summed.");
  table.field("oversubscription", figures.oversubscription, "down / up; null at the top.");
}

void describe(base::FieldTable& table, DistanceFigures& figures) {
  table.title("distance_figures", "Links between two accelerators by the shortest way.");
  table.field("diameter_hops", figures.diameter_hops, "The most.");
  table.field("mean_hops", figures.mean_hops, "The mean.");
  table.field("sources", figures.sources, "Ranks counted from: all, or a sample.");
  table.field("unreachable_pairs", figures.unreachable_pairs,
              "Joined through other accelerators alone, which need rail forwarding.");
}

void describe(base::FieldTable& table, BisectionFigures& figures) {
  table.title("bisection_figures", "The bandwidth between halves, by maximum flow.");
  table.field("halves_bytes_per_s", figures.halves_bytes_per_s,
              "From the first half of the ranks to the second.");
  table.field("worst_bytes_per_s", figures.worst_bytes_per_s,
              "The least over that cut and the random ones.");
  table.field("random_cuts", figures.random_cuts, "Random halves of the nodes.");
  table.field("fraction_of_nics", figures.fraction_of_nics,
              "worst over half of what all NICs send; 1 is full bisection.");
}

void describe(base::FieldTable& table, DiversityFigures& figures) {
  table.title("diversity_figures", "Ways between sampled pairs of ranks.");
  table.field("pairs", figures.pairs, "How many pairs.");
  table.field("least_disjoint_ways", figures.least_disjoint_ways, "No two share a link.");
  table.field("mean_disjoint_ways", figures.mean_disjoint_ways, "No two share a link.");
  table.field("least_shortest_ways", figures.least_shortest_ways, "Equally short ones.");
  table.field("mean_shortest_ways", figures.mean_shortest_ways, "Equally short ones.");
}

void describe(base::FieldTable& table, ClusterFigures& figures) {
  table.title("cluster_figures", "What a cluster is made of and what it can carry.");
  table.field("num_ranks", figures.num_ranks, "Accelerators.");
  table.field("num_nodes", figures.num_nodes, "Nodes.");
  table.field("num_reducers", figures.num_reducers, "Switches that add up what crosses them.");
  table.field("vertices", figures.vertices, "By kind.");
  table.field("links", figures.links, "By kind.");
  table.field("tiers", figures.tiers, "From the NICs up.");
  table.field("distance", figures.distance, "Hops.");
  table.field("bisection", figures.bisection, "null on a single rank.");
  table.field("diversity", figures.diversity, "null on a single rank.");
}

}  // namespace moesim::topologies
