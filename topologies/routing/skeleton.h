// SPDX-License-Identifier: Apache-2.0
// What routing knows of a cluster beforehand: the vertices at which ways part, and the links in
// between that leave no choice.
//
// A way is either local, over vertices of one domain (the accelerators that scale-up switches, PCIe
// switches and NICs join, without the fabric), or it leaves the source's node, crosses the fabric
// and enters the destination's node. NICs and PCIe switches of a node pass only what begins or ends
// there; accelerators forward nothing.
#pragma once

#include <vector>

#include "topologies/cluster.h"

namespace moesim::topologies {

// The links of each of several vertices, in link order: of v those from links[first[v]] to
// links[first[v + 1] - 1].
struct LinkLists {
  std::vector<int> first;
  std::vector<int> links;

  const int* begin(int v) const { return links.data() + first[v]; }
  const int* end(int v) const { return links.data() + first[v + 1]; }
};

// The only links outwards from a vertex to the nearest junction: chains[first] ...
// chains[first + count - 1], none if it is a junction.
struct Exit {
  int junction = -1;  // -1: there is no way out
  int first = 0;
  int count = 0;
};

struct Skeleton {
  std::vector<char> forwards;  // [vertices] whether messages may pass
  std::vector<char> core;      // [vertices] switches of the fabric, and others that NICs lead to
  std::vector<int> domain;     // [vertices] equal where a way may be local, none for core vertices
  std::vector<int> head;       // [links] the vertex a link leads to
  std::vector<char> entry;     // [links] leads into a node from outside: only for what ends there
  std::vector<char> outward;   // [links] may be on the way from a source out and through the fabric
  std::vector<int>
      lengths;    // [links] what ways are measured in: 1, a hop, until a caller changes it
  LinkLists out;  // links that are up, by the vertex they leave
  LinkLists in;   // links that are up, by the vertex they enter
  // Core vertices, what links lead into nodes from, and where there is a choice of way out.
  std::vector<int> junctions;    // vertices, ascending
  std::vector<int> junction_of;  // [vertices] index into junctions or -1
  std::vector<Exit> exits;       // [vertices]
  std::vector<int> chains;       // links
};

inline constexpr int kNoDomain = -1;

// `up` is one truth value per link; links that are down are not in the skeleton.
Skeleton make_skeleton(const Cluster& cluster, const std::vector<char>& up);

}  // namespace moesim::topologies
