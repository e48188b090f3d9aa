// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/skeleton.h"

#include <cstddef>
#include <utility>

namespace moesim::topologies {
namespace {

bool serves_a_node(const Vertex& vertex) {
  return (vertex.kind == VertexKind::nic || vertex.kind == VertexKind::pcie_switch) &&
         vertex.node >= 0;
}

template <class VertexOf>
LinkLists list_links(const Cluster& cluster, const std::vector<char>& up, VertexOf vertex_of) {
  LinkLists lists;
  lists.first.assign(cluster.vertices.size() + 1, 0);
  for (std::size_t link = 0; link < cluster.links.size(); ++link) {
    if (up[link]) ++lists.first[vertex_of(cluster.links[link]) + 1];
  }
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) lists.first[v + 1] += lists.first[v];
  lists.links.resize(static_cast<std::size_t>(lists.first.back()));
  std::vector<int> next(lists.first.begin(), lists.first.end() - 1);
  for (std::size_t link = 0; link < cluster.links.size(); ++link) {
    if (up[link]) lists.links[next[vertex_of(cluster.links[link])]++] = static_cast<int>(link);
  }
  return lists;
}

class Builder {
 public:
  Builder(const Cluster& cluster, const std::vector<char>& up) : cluster_(cluster), up_(up) {}

  Skeleton build() {
    s_.out = list_links(cluster_, up_, [](const Link& link) { return link.from; });
    s_.in = list_links(cluster_, up_, [](const Link& link) { return link.to; });
    s_.lengths.assign(cluster_.links.size(), 1);
    classify_vertices();
    classify_links();
    join_domains();
    find_ways_out();
    find_junctions();
    find_exits();
    return std::move(s_);
  }

 private:
  int num_vertices() const { return static_cast<int>(cluster_.vertices.size()); }
  const Link& link(int index) const { return cluster_.links[index]; }

  // Scale-up switches that only a node's own vertices lead to are no core: nothing crosses them on
  // its way between nodes.
  void classify_vertices() {
    for (const Vertex& vertex : cluster_.vertices) {
      s_.forwards.push_back(vertex.kind != VertexKind::accelerator);
    }
    s_.core.assign(cluster_.vertices.size(), 0);
    for (int v = 0; v < num_vertices(); ++v) {
      const Vertex& vertex = cluster_.vertices[v];
      if (!s_.forwards[v] || serves_a_node(vertex)) continue;
      bool is_core = vertex.kind == VertexKind::fabric_switch;
      for (const int* l = s_.in.begin(v); l != s_.in.end(v) && !is_core; ++l) {
        const int from = link(*l).from;
        is_core = s_.forwards[from] && !serves_a_node(cluster_.vertices[from]);
      }
      s_.core[v] = is_core;
    }
  }

  void classify_links() {
    for (const Link& l : cluster_.links) {
      const Vertex& from = cluster_.vertices[l.from];
      const Vertex& to = cluster_.vertices[l.to];
      s_.head.push_back(l.to);
      s_.entry.push_back(serves_a_node(to) && s_.forwards[l.from] && from.node != to.node);
    }
  }

  int root(int v) {
    while (s_.domain[v] != v) v = s_.domain[v] = s_.domain[s_.domain[v]];
    return v;
  }

  void join_domains() {
    for (int v = 0; v < num_vertices(); ++v) s_.domain.push_back(v);
    for (std::size_t l = 0; l < cluster_.links.size(); ++l) {
      const auto& [from, to] = std::pair(cluster_.links[l].from, cluster_.links[l].to);
      if (!up_[l] || s_.entry[l] || s_.core[from] || s_.core[to]) continue;
      s_.domain[root(from)] = root(to);
    }
    for (int v = 0; v < num_vertices(); ++v) s_.domain[v] = root(v);
    for (int v = 0; v < num_vertices(); ++v) {
      if (s_.core[v]) s_.domain[v] = kNoDomain;
    }
  }

  // What a NIC gets from its own node it sends out, never back.
  bool may_lead_out(int l) const {
    const Vertex& from = cluster_.vertices[link(l).from];
    const Vertex& to = cluster_.vertices[link(l).to];
    const bool turns_back =
        from.kind == VertexKind::nic && serves_a_node(from) && from.node == to.node;
    return s_.forwards[link(l).to] && !s_.entry[l] && !turns_back;
  }

  // Searches backwards from core vertices and from what links lead into nodes from.
  void find_ways_out() {
    leads_out_.assign(cluster_.vertices.size(), 0);
    std::vector<int> queue;
    const auto reach = [&](int v) {
      if (leads_out_[v]) return;
      leads_out_[v] = 1;
      queue.push_back(v);
    };
    for (int v = 0; v < num_vertices(); ++v) {
      if (s_.core[v] || has_entries(v)) reach(v);
    }
    s_.outward.assign(cluster_.links.size(), 0);
    for (std::size_t i = 0; i < queue.size(); ++i) {
      for (const int* l = s_.in.begin(queue[i]); l != s_.in.end(queue[i]); ++l) {
        if (!may_lead_out(*l)) continue;
        s_.outward[*l] = 1;
        reach(link(*l).from);
      }
    }
  }

  bool has_entries(int v) const {
    for (const int* l = s_.out.begin(v); l != s_.out.end(v); ++l) {
      if (s_.entry[*l]) return true;
    }
    return false;
  }

  void find_junctions() {
    s_.junction_of.assign(cluster_.vertices.size(), -1);
    for (int v = 0; v < num_vertices(); ++v) {
      int ways_out = 0;
      for (const int* l = s_.out.begin(v); l != s_.out.end(v); ++l) ways_out += s_.outward[*l];
      if (!s_.core[v] && ways_out < 2 && !has_entries(v)) continue;
      s_.junction_of[v] = static_cast<int>(s_.junctions.size());
      s_.junctions.push_back(v);
    }
  }

  void find_exits() {
    s_.exits.resize(cluster_.vertices.size());
    for (int v = 0; v < num_vertices(); ++v) {
      if (!leads_out_[v]) continue;
      Exit& exit = s_.exits[v];
      exit.first = static_cast<int>(s_.chains.size());
      int vertex = v;
      // The one way out of each vertex on it ends at a core vertex, so this ends.
      while (s_.junction_of[vertex] < 0) {
        const int* l = s_.out.begin(vertex);
        while (!s_.outward[*l]) ++l;
        s_.chains.push_back(*l);
        vertex = link(*l).to;
      }
      exit.junction = s_.junction_of[vertex];
      exit.count = static_cast<int>(s_.chains.size()) - exit.first;
    }
  }

  const Cluster& cluster_;
  const std::vector<char>& up_;
  std::vector<char> leads_out_;  // [vertices]
  Skeleton s_;
};

}  // namespace

Skeleton make_skeleton(const Cluster& cluster, const std::vector<char>& up) {
  return Builder(cluster, up).build();
}

}  // namespace moesim::topologies
