// SPDX-License-Identifier: Apache-2.0
// Leaves on which NIC i of every node of a pod meets those of its rail, and the spines above them.
#pragma once

#include <string>
#include <vector>

#include "topologies/builders/leaf_tier.h"
#include "topologies/builders/node.h"
#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Which of the fabrics with rails a plane belongs to.
struct PlaneShape {
  std::string prefix = {};        // of the switches' names
  double share = 1;               // of each NIC's bandwidth that the plane has
  bool joins_rails = true;        // every spine reaches every leaf; else those of one rail alone
  std::optional<int> plane = {};  // Vertex::place of its switches; default: leaves {rail}
};

// Adds switches when made, then cables node by node, then the uplinks: the order of vertices and
// links. A leaf has as many uplinks as size_leaf_tier() says, one to each spine it reaches, whose
// bandwidths sum to what its NICs bring / oversubscription exactly; leaves with fewer nodes than
// others have all their uplinks. Rails on a single leaf each, which nothing has to join, have no
// spines.
class RailPlane {
 public:
  RailPlane(Cluster& cluster, const ClusterConfig& config, PlaneShape shape);
  void join(const PlacedNode& node);
  void add_uplinks();

 private:
  void add_spines();

  Cluster& cluster_;
  const ClusterConfig& config_;
  PlaneShape shape_;
  LeafTier tier_;
  int num_rails_ = 0;
  std::vector<int> leaves_;               // [pods * rails]
  std::vector<MeanBandwidth> below_;      // per leaf
  std::vector<std::vector<int>> spines_;  // that a rail's leaves reach, [rails]
};

}  // namespace moesim::topologies
