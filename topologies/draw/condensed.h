// SPDX-License-Identifier: Apache-2.0
// A cluster as a drawing sees it: each node is one item, each switch outside of the nodes another,
// and all cables between two items are one join.
#pragma once

#include <string>
#include <vector>

#include "topologies/cluster.h"

namespace moesim::topologies {

struct Item {
  int vertex = -1;  // a switch; -1 for a node
  int node = -1;    // a node; -1 for a switch
  std::string name;
  int tier = 0;            // as tiers_of(); 0 for nodes
  std::vector<int> place;  // switches of regular fabrics
  int accelerators = 0;    // of a node
  int nodes = 0;           // of a switch: that have a cable to it
  int ports = 0;           // cables of a switch

  bool is_node() const { return node >= 0; }
};

struct Join {
  int a = 0;  // items, a < b
  int b = 0;
  LinkKind kind = LinkKind::fabric;
  int cables = 0;
  double bandwidth = 0;  // bytes/s from a to b, summed over the cables
};

struct Condensed {
  std::vector<Item> items;  // nodes in their order, then switches in the cluster's
  std::vector<Join> joins;  // by (a, b)
};

Condensed condense(const Cluster& cluster);

// "50 GB/s", or "25 - 50 GB/s" where the links of the kind differ; "" where there is none.
std::string bandwidth_text(const Cluster& cluster, LinkKind kind);

}  // namespace moesim::topologies
