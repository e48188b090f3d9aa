// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/node.h"

#include <utility>

namespace moesim::topologies {
namespace {

int add_vertex(Cluster& cluster, Vertex vertex) {
  cluster.vertices.push_back(std::move(vertex));
  return static_cast<int>(cluster.vertices.size()) - 1;
}

void add_link(Cluster& cluster, int from, int to, const Cable& cable) {
  Link link;
  link.from = from;
  link.to = to;
  link.kind = cable.kind;
  link.bandwidth = cable.bandwidth;
  link.latency = cable.latency;
  link.name = cluster.vertices[from].name + "->" + cluster.vertices[to].name;
  cluster.links.push_back(std::move(link));
}

}  // namespace

int add_fabric_switch(Cluster& cluster, std::string name) {
  return add_vertex(cluster, {VertexKind::fabric_switch, std::move(name)});
}

void add_cable(Cluster& cluster, int a, int b, const Cable& cable) {
  add_link(cluster, a, b, cable);
  add_link(cluster, b, a, cable);
}

std::vector<int> add_node(Cluster& cluster, const Node& node) {
  const int index = cluster.num_nodes++;
  const std::string prefix = "node" + std::to_string(index) + "/";
  std::vector<int> gpus;
  std::vector<int> nics;
  for (int i = 0; i < node.accelerators_per_node; ++i) {
    const std::string number = std::to_string(i);
    const int rank = cluster.num_ranks();
    gpus.push_back(
        add_vertex(cluster, {VertexKind::accelerator, prefix + "gpu" + number, index, rank}));
    cluster.accelerators.push_back(gpus.back());
  }
  const int nvswitch = add_vertex(cluster, {VertexKind::scale_up_switch, prefix + "nvswitch", index});
  for (int i = 0; i < node.accelerators_per_node; ++i) {
    const int rank = cluster.vertices[gpus[i]].rank;
    nics.push_back(
        add_vertex(cluster, {VertexKind::nic, prefix + "nic" + std::to_string(i), index, rank}));
    add_cable(cluster, gpus[i], nvswitch,
              {LinkKind::scale_up, node.scale_up_bandwidth, node.scale_up_latency / 2});
    add_cable(cluster, gpus[i], nics[i],
              {LinkKind::pcie, node.pcie_bandwidth, node.nic_latency / 4});
  }
  return nics;
}

void add_nic_cable(Cluster& cluster, int nic, int switch_vertex, const Node& node) {
  add_cable(cluster, nic, switch_vertex, {LinkKind::nic, node.nic_bandwidth, node.nic_latency / 4});
}

}  // namespace moesim::topologies
