// SPDX-License-Identifier: Apache-2.0
// The figures of a cluster: what it is made of, how far its accelerators are apart, how much
// bandwidth joins its halves and its tiers. Plain numbers in SI units, so that they print as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "topologies/cluster.h"

namespace moesim::topologies {

struct VertexFigures {
  std::string kind;
  int count = 0;
};

struct LinkFigures {
  std::string kind;
  int links = 0;                     // one direction each
  int cables = 0;                    // both directions between two vertices
  double bandwidth_bytes_per_s = 0;  // sum over links
  double least_bytes_per_s = 0;      // of one link
  double most_bytes_per_s = 0;
};

// Fabric switches of one tier: 1 stands next to the NICs.
struct TierFigures {
  int tier = 0;
  int switches = 0;
  int most_ports = 0;             // cables of the switch that has most
  double down_bytes_per_s = 0;    // sums over the tier's switches, towards lower tiers and NICs,
  double up_bytes_per_s = 0;      // towards higher tiers,
  double across_bytes_per_s = 0;  // and to switches of the same tier
  std::optional<double> oversubscription;  // down / up; null at the top
};

struct DistanceFigures {
  int diameter_hops = 0;  // the most links between two accelerators by the shortest way
  double mean_hops = 0;
  int sources = 0;                     // ranks counted from: all, or a sample of large clusters
  std::int64_t unreachable_pairs = 0;  // joined through other accelerators alone
};

struct BisectionFigures {
  double halves_bytes_per_s = 0;  // first half of the ranks to the second, maximum flow
  double worst_bytes_per_s = 0;   // the least over that cut and the random ones
  int random_cuts = 0;            // halves of the nodes (of the ranks on a single node)
  // worst over half of what all NICs send into the fabric (1: full bisection); null without NICs.
  std::optional<double> fraction_of_nics;
};

struct DiversityFigures {
  int pairs = 0;                         // sampled, on different nodes where there are several
  std::int64_t least_disjoint_ways = 0;  // no two share a link
  double mean_disjoint_ways = 0;
  double least_shortest_ways = 0;  // equally short ones
  double mean_shortest_ways = 0;
};

struct ClusterFigures {
  int num_ranks = 0;
  int num_nodes = 0;
  int num_reducers = 0;
  std::vector<VertexFigures> vertices;  // kinds that there are
  std::vector<LinkFigures> links;
  std::vector<TierFigures> tiers;
  DistanceFigures distance;
  std::optional<BisectionFigures> bisection;  // null on a single rank, as is diversity
  std::optional<DiversityFigures> diversity;
};

void describe(base::FieldTable& table, VertexFigures& figures);
void describe(base::FieldTable& table, LinkFigures& figures);
void describe(base::FieldTable& table, TierFigures& figures);
void describe(base::FieldTable& table, DistanceFigures& figures);
void describe(base::FieldTable& table, BisectionFigures& figures);
void describe(base::FieldTable& table, DiversityFigures& figures);
void describe(base::FieldTable& table, ClusterFigures& figures);

struct AnalysisOptions {
  std::uint64_t seed = 0;
  int random_cuts = 4;
  int pairs = 32;
  int max_sources = 1024;
};

// All figures. The samples depend on options.seed alone. `cluster` is one that check_cluster() or a
// builder vouches for.
ClusterFigures analyse(const Cluster& cluster, const AnalysisOptions& options = {});

// [vertices] the tier of each fabric switch, 0 of all else. A switch without a tier of its own has
// one more than the fewest links between switches from it to one that NICs or accelerators touch.
std::vector<int> tiers_of(const Cluster& cluster);

}  // namespace moesim::topologies
