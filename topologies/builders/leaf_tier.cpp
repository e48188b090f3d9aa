// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/leaf_tier.h"

#include <algorithm>
#include <cmath>

#include "topologies/config_checks.h"

namespace moesim::topologies {

void MeanBandwidth::add(base::BytesPerSecond bandwidth) {
  if (count_ == 0) first_ = bandwidth;
  excess_ += bandwidth - first_;
  ++count_;
}

base::BytesPerSecond MeanBandwidth::value() const { return first_ + excess_ / count_; }

base::BytesPerSecond Uplinks::bandwidth(base::BytesPerSecond below) const {
  return below * (width / count);
}

Uplinks size_uplinks(int cables_below, double oversubscription) {
  const double width = cables_below / oversubscription;
  // Less a hair, since 30 / 1.2 comes out above 25.
  return {width, static_cast<int>(std::ceil(width - 1e-9))};
}

LeafTier size_leaf_tier(const ClusterConfig& config, int nics_per_leaf) {
  const int nodes = count_nodes(config);
  LeafTier tier;
  tier.nodes_per_leaf = std::min(config.fabric.nodes_per_leaf, nodes);
  tier.num_leaves = (nodes - 1) / tier.nodes_per_leaf + 1;
  tier.uplinks = size_uplinks(nics_per_leaf == 0 ? tier.nodes_per_leaf : nics_per_leaf,
                              config.fabric.oversubscription);
  return tier;
}

void check_oversubscription(double oversubscription, int cables_below, const std::string& key,
                            const std::string& what_is_below) {
  const std::string where = "/cluster/fabric/" + key;
  require(std::isfinite(oversubscription) && oversubscription >= 1, where,
          "a fat tree's is at least 1", "1 is full bisection, 2 is half");
  require(oversubscription <= cables_below, where, what_is_below + " have less than one uplink",
          "at most " + std::to_string(cables_below) + ", or more below");
}

void check_leaves(const ClusterConfig& config) {
  require(config.fabric.nodes_per_leaf >= 1, "/cluster/fabric/nodes_per_leaf",
          "a leaf joins at least 1 node", "set it to half the ports of the switch, as 32");
  require_latency(config.fabric.switch_latency, "/cluster/fabric/switch_latency");
}

void check_leaf_tier(const ClusterConfig& config) {
  check_leaves(config);
  const int nodes = config.fabric.nodes_per_leaf;
  check_oversubscription(config.fabric.oversubscription, nodes, "oversubscription",
                         "leaves of " + std::to_string(nodes) + " nodes");
}

}  // namespace moesim::topologies
