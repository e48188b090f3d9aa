// SPDX-License-Identifier: Apache-2.0
#include "sim/network/channels.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace moesim::sim {
namespace {

struct Ports {
  std::vector<int> in;  // links
  std::vector<int> out;
};

std::vector<Ports> ports_of(const topologies::Cluster& cluster) {
  std::vector<Ports> ports(cluster.vertices.size());
  for (std::size_t l = 0; l < cluster.links.size(); ++l) {
    ports[cluster.links[l].to].in.push_back(static_cast<int>(l));
    ports[cluster.links[l].from].out.push_back(static_cast<int>(l));
  }
  return ports;
}

// Two cables to two neighbours, so that what comes from one goes to the other. Routes end at
// accelerators and reducers, and vertices with more cables have a choice.
bool only_forwards(const topologies::Cluster& cluster, int vertex, const Ports& ports) {
  if (cluster.vertices[vertex].kind == topologies::VertexKind::accelerator) return false;
  if (std::binary_search(cluster.reducers.begin(), cluster.reducers.end(), vertex)) return false;
  if (ports.in.size() != 2 || ports.out.size() != 2) return false;
  const std::pair from(cluster.links[ports.in[0]].from, cluster.links[ports.in[1]].from);
  const std::pair to(cluster.links[ports.out[0]].to, cluster.links[ports.out[1]].to);
  return from.first != from.second && (from == to || from == std::pair(to.second, to.first));
}

int root_of(std::vector<int>& parents, int link) {
  while (parents[link] != link) link = parents[link] = parents[parents[link]];
  return link;
}

}  // namespace

std::vector<int> channels_of(const topologies::Cluster& cluster) {
  const std::vector<Ports> ports = ports_of(cluster);
  std::vector<int> parents(cluster.links.size());
  std::iota(parents.begin(), parents.end(), 0);
  // Joins two channels under the tighter one's link.
  const auto join = [&](int a, int b) {
    a = root_of(parents, a);
    b = root_of(parents, b);
    const auto rank = [&](int link) { return std::pair(cluster.links[link].bandwidth, link); };
    if (rank(b) < rank(a)) std::swap(a, b);
    parents[b] = a;
  };
  for (std::size_t v = 0; v < ports.size(); ++v) {
    if (!only_forwards(cluster, static_cast<int>(v), ports[v])) continue;
    for (const int in : ports[v].in) {
      const bool back_first = cluster.links[ports[v].out[0]].to == cluster.links[in].from;
      join(in, ports[v].out[back_first ? 1 : 0]);
    }
  }
  std::vector<int> channels(cluster.links.size());
  for (std::size_t l = 0; l < channels.size(); ++l) {
    channels[l] = root_of(parents, static_cast<int>(l));
  }
  return channels;
}

}  // namespace moesim::sim
