// SPDX-License-Identifier: Apache-2.0
// Leaf switches: NICs below, uplinks above. How many there are and how wide is what fat trees of
// every kind share.
#pragma once

#include <string>

#include "base/units.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// The mean of bandwidths, exact where they are all equal.
class MeanBandwidth {
 public:
  void add(base::BytesPerSecond bandwidth);
  base::BytesPerSecond value() const;

 private:
  base::BytesPerSecond first_;
  base::BytesPerSecond excess_;  // over the first, summed
  int count_ = 0;
};

// What a number of cables or links below a switch asks for above it.
struct Uplinks {
  double width = 0;  // how many of those below they carry together
  int count = 0;     // ceil(width)

  // Each uplink's bandwidth: `below` is that of one cable below.
  base::BytesPerSecond bandwidth(base::BytesPerSecond below) const;
};
Uplinks size_uplinks(int cables_below, double oversubscription);

// Leaves of equal size, the last one maybe with fewer nodes. A single leaf that is not full is
// sized for the nodes it has, so that `oversubscription` holds.
struct LeafTier {
  int nodes_per_leaf = 0;
  int num_leaves = 0;  // with rails: of each rail
  Uplinks uplinks;     // of a full leaf
};
// `nics_per_leaf` are those of a full leaf; 0: one per node, as rails have.
LeafTier size_leaf_tier(const ClusterConfig& config, int nics_per_leaf = 0);

// Throws base::Error when nodes_per_leaf, oversubscription or switch_latency do not fit leaves with
// one NIC of each node.
void check_leaf_tier(const ClusterConfig& config);

// The part of it that does not ask how many NICs a leaf has.
void check_leaves(const ClusterConfig& config);

// "/cluster/fabric/<key>": an oversubscription that leaves an uplink for `cables_below`.
void check_oversubscription(double oversubscription, int cables_below, const std::string& key,
                            const std::string& what_is_below);

}  // namespace moesim::topologies
