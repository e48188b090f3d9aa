// SPDX-License-Identifier: Apache-2.0
// The fabric switches of a torus, mesh or HyperX by their coordinates (Vertex::place), and the next
// step of dimension-order routing among them (Dally and Towles, Principles and Practices of
// Interconnection Networks, section 8.4).
#pragma once

#include <span>
#include <vector>

#include "topologies/cluster.h"

namespace moesim::topologies {

class SwitchGrid {
 public:
  // Only links that are up lead anywhere; rings are found by all links.
  SwitchGrid(const Cluster& cluster, const std::vector<char>& up);

  // Whether every fabric switch has a place of its own, all of as many coordinates, and each can
  // correct each of its coordinates by links that change no other.
  bool is_complete() const { return is_complete_; }

  // Vertices of switches with places, ascending.
  const std::vector<int>& switches() const { return switches_; }
  bool has(int vertex) const { return index_of_[vertex] >= 0; }

  // The links from a switch of the grid that bring the lowest coordinate in which it differs from
  // `target` closest to the target's: the one over to it, or the next on the shorter way round, or
  // both next ones if both ways are as long. In link order; none where no link brings it closer.
  std::span<const int> next_links(int vertex, int target) const;

 private:
  struct Neighbour {
    int link = 0;
    int coordinate = 0;
  };
  struct List {
    int first = 0;
    int count = 0;
  };

  bool place_switches(const Cluster& cluster);
  void find_rings(const Cluster& cluster);
  int only_difference(int a, int b) const;
  void list_steps(const Cluster& cluster, const std::vector<char>& up);
  List closest(const std::vector<Neighbour>& neighbours, int dimension, int from, int target);
  int distance(int dimension, int from, int to) const;
  int coordinate(int index, int dimension) const {
    return places_[index * dimensions_ + dimension];
  }

  int dimensions_ = 0;
  std::vector<int> switches_;
  std::vector<int> index_of_;  // [vertices] index into switches_ or -1
  std::vector<int> places_;    // [switches, dimensions]
  std::vector<int> sizes_;     // [dimensions]
  std::vector<int> offsets_;   // [dimensions] sizes of the lower ones added up
  std::vector<char> is_ring_;  // [dimensions]
  int steps_per_switch_ = 0;   // all sizes added up
  std::vector<List> steps_;    // [switches, target coordinates of all dimensions]
  std::vector<int> links_;
  bool is_complete_ = false;
};

}  // namespace moesim::topologies
