// SPDX-License-Identifier: Apache-2.0
// Valiant's detours: where a message goes first, so that any traffic spreads evenly over the fabric
// (Valiant and Brebner, "Universal schemes for parallel communication", 1981; on dragonflies, Kim
// et al., "Technology-driven, highly-scalable dragonfly topology", 2008, section 4.1).
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "topologies/cluster.h"
#include "topologies/routing/follow.h"
#include "topologies/routing/next_hops.h"
#include "topologies/routing/switch_grid.h"

namespace moesim::topologies {

// Groups of a dragonfly: the fabric switches by the first of the two coordinates of their place.
class Groups {
 public:
  // Empty (size() 0) unless every fabric switch has a place of two coordinates.
  Groups(const Cluster& cluster, const Skeleton& skeleton, NextHops& next);

  int size() const { return static_cast<int>(approaches_.size()); }
  // The group of a fabric switch, -1 for other vertices.
  int group_of(int vertex) const { return group_of_[vertex]; }
  // The table towards any switch of a group.
  int approach(int group) const { return approaches_[group]; }

 private:
  std::vector<int> group_of_;    // [vertices]
  std::vector<int> approaches_;  // [groups], ascending by number
};

// [links] 1, but 3 for a cable between two groups of a dragonfly: the shortest way is then the
// minimal one of Kim et al., with a hop at most in either group beside the cable between them, and
// not one of as few hops over the cables of a third group. All 1 where the fabric is no dragonfly.
std::vector<int> lengths_by_groups(const Cluster& cluster);

// One of [0, count) by the pair's hash, but neither `a` nor `b`, which differ; -1 if none is left.
int choose_other(const PairHash& hash, int count, int a, int b);

}  // namespace moesim::topologies
