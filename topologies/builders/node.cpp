// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/node.h"

#include <utility>

namespace moesim::topologies {
namespace {

constexpr int kAbsent = -1;

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

// The scale-up domain that nodes are being added to.
struct Domain {
  int index = kAbsent;  // Vertex::node
  int num_nodes = 0;    // in it already
  int switch_vertex = kAbsent;
};

// Builds one node, in the order in which its vertices and links are numbered.
class NodeBuilder {
 public:
  NodeBuilder(Cluster& cluster, const Node& node, Domain& domain)
      : cluster_(cluster), node_(node), domain_(domain) {
    prefix_ = "node" + std::to_string(domain.index) + "/";
    if (node.scale_up_domain) {
      domain_prefix_ = "rack" + std::to_string(domain.index) + "/";
      prefix_ = domain_prefix_ + "tray" + std::to_string(domain.num_nodes) + "/";
    } else {
      domain_prefix_ = prefix_;
    }
  }

  std::vector<int> build() {
    add_accelerators();
    if (node_.scale_up == ScaleUp::one_switch) find_scale_up_switch();
    nics_.assign(static_cast<std::size_t>(count_nics(node_)), kAbsent);
    const std::vector<std::vector<int>> used = nics_of_accelerators(node_);
    for (int i = 0; i < node_.accelerators_per_node; ++i) {
      const std::vector<int> fresh = add_nics(i, used[static_cast<std::size_t>(i)]);
      if (node_.scale_up == ScaleUp::one_switch) {
        add_cable(cluster_, gpu(i), domain_.switch_vertex,
                  {LinkKind::scale_up, node_.scale_up_bandwidth, node_.scale_up_latency / 2});
      }
      if (node_.accelerators_per_pcie_switch == 0) {
        for (const int nic : used[static_cast<std::size_t>(i)])
          add_pcie(gpu(i), nic_vertex(nic), 4);
      } else {
        add_to_pcie_switch(i, fresh);
      }
    }
    if (node_.scale_up == ScaleUp::full_mesh) add_mesh();
    return nics_;
  }

 private:
  int gpu(int i) const { return first_gpu_ + i; }
  int nic_vertex(int nic) const { return nics_[static_cast<std::size_t>(nic)]; }

  void add_accelerators() {
    for (int i = 0; i < node_.accelerators_per_node; ++i) {
      const int vertex =
          add_vertex(cluster_, {VertexKind::accelerator, prefix_ + "gpu" + std::to_string(i),
                                domain_.index, cluster_.num_ranks()});
      if (i == 0) first_gpu_ = vertex;
      cluster_.accelerators.push_back(vertex);
    }
  }

  void find_scale_up_switch() {
    if (domain_.switch_vertex != kAbsent) return;
    domain_.switch_vertex = add_vertex(
        cluster_, {VertexKind::scale_up_switch, domain_prefix_ + "nvswitch", domain_.index});
    if (node_.in_switch_reduction) cluster_.reducers.push_back(domain_.switch_vertex);
  }

  // Adds those of the accelerator's NICs that are not there yet, and returns them.
  std::vector<int> add_nics(int accelerator, const std::vector<int>& used) {
    std::vector<int> fresh;
    for (const int nic : used) {
      if (nic_vertex(nic) != kAbsent) continue;
      nics_[static_cast<std::size_t>(nic)] =
          add_vertex(cluster_, {VertexKind::nic, prefix_ + "nic" + std::to_string(nic),
                                domain_.index, cluster_.vertices[gpu(accelerator)].rank});
      fresh.push_back(nic_vertex(nic));
    }
    return fresh;
  }

  void add_pcie(int a, int b, double part_of_latency) {
    add_cable(cluster_, a, b,
              {LinkKind::pcie, node_.pcie_bandwidth, node_.nic_latency / part_of_latency});
  }

  void add_to_pcie_switch(int accelerator, const std::vector<int>& fresh_nics) {
    const int group = node_.accelerators_per_pcie_switch;
    if (accelerator % group == 0) {
      pcie_switch_ = add_vertex(
          cluster_, {VertexKind::pcie_switch,
                     prefix_ + "pcie" + std::to_string(accelerator / group), domain_.index});
    }
    add_pcie(gpu(accelerator), pcie_switch_, 8);
    for (const int nic : fresh_nics) add_pcie(pcie_switch_, nic, 8);
  }

  void add_mesh() {
    const int others = node_.accelerators_per_node - 1;
    for (int a = 0; a <= others; ++a) {
      for (int b = a + 1; b <= others; ++b) {
        add_cable(cluster_, gpu(a), gpu(b),
                  {LinkKind::scale_up, node_.scale_up_bandwidth / others, node_.scale_up_latency});
      }
    }
  }

  Cluster& cluster_;
  const Node& node_;
  Domain& domain_;
  std::string prefix_;
  std::string domain_prefix_;
  int first_gpu_ = 0;
  int pcie_switch_ = kAbsent;
  std::vector<int> nics_;
};

}  // namespace

int add_fabric_switch(Cluster& cluster, std::string name, int tier, std::vector<int> place) {
  Vertex vertex{VertexKind::fabric_switch, std::move(name)};
  vertex.tier = tier;
  vertex.place = std::move(place);
  return add_vertex(cluster, std::move(vertex));
}

void add_cable(Cluster& cluster, int a, int b, const Cable& cable) {
  add_link(cluster, a, b, cable);
  add_link(cluster, b, a, cable);
}

void add_nodes(Cluster& cluster, const ClusterConfig& config,
               const std::function<void(const PlacedNode&)>& join) {
  int index = 0;
  for (const NodeRun& run : runs_of(config)) {
    Domain domain;
    for (int i = 0; i < run.num_nodes; ++i) {
      if (i % nodes_per_domain(*run.node) == 0) domain = {cluster.num_nodes++, 0, kAbsent};
      std::vector<int> nics = NodeBuilder(cluster, *run.node, domain).build();
      ++domain.num_nodes;
      join({index++, *run.node, std::move(nics)});
    }
  }
}

void add_nic_cable(Cluster& cluster, int nic, int switch_vertex, const Node& node, double share) {
  add_cable(cluster, nic, switch_vertex,
            {LinkKind::nic, node.nic_bandwidth * share, node.nic_latency / 4});
}

}  // namespace moesim::topologies
