// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/rng.h"
#include "topologies/graph.h"

namespace moesim::topologies {
namespace {

// For one destination: vertex v's links on shortest ways are links[first[v]] ..
// links[first[v+1]-1].
struct NextHops {
  std::vector<int> first;
  std::vector<int> links;

  std::size_t size() const { return first.size() + links.size(); }
};

// Two accelerators of a node that share a NIC or a PCIe switch are as near over it as over their
// scale-up link, and take the latter.
void prefer_scale_up(const Cluster& cluster, std::vector<int>& links, std::size_t first) {
  const auto is_scale_up = [&](int link) { return cluster.links[link].kind == LinkKind::scale_up; };
  const auto begin = links.begin() + static_cast<std::ptrdiff_t>(first);
  if (std::none_of(begin, links.end(), is_scale_up)) return;
  links.erase(std::remove_if(begin, links.end(), std::not_fn(is_scale_up)), links.end());
}

NextHops find_next_hops(const Cluster& cluster, const Graph& graph, int destination) {
  const std::vector<int> hops = hops_to(graph, destination);
  NextHops next;
  next.first.reserve(hops.size() + 1);
  next.first.push_back(0);
  for (std::size_t v = 0; v < hops.size(); ++v) {
    for (auto [edge, end] = boost::out_edges(v, graph); edge != end && hops[v] > 0; ++edge) {
      const std::size_t head = boost::target(*edge, graph);
      // Another accelerator may be as near, but does not forward.
      const bool leads_on = head == static_cast<std::size_t>(destination) ||
                            graph[head].kind != VertexKind::accelerator;
      if (leads_on && hops[head] == hops[v] - 1) next.links.push_back(graph[*edge].link);
    }
    if (graph[v].kind == VertexKind::accelerator) {
      prefer_scale_up(cluster, next.links, static_cast<std::size_t>(next.first[v]));
    }
    next.first.push_back(static_cast<int>(next.links.size()));
  }
  return next;
}

// Routes, each stored once, found by (source, destination). Pages of destinations are made when
// first used, so that a sparse pattern on many ranks stays small.
class RouteTable {
 public:
  explicit RouteTable(int num_ranks) : rows_(static_cast<std::size_t>(num_ranks)) {}

  // The place of one route; data() is null until it is set.
  std::span<const int>& at(int source, int destination) {
    std::vector<Page>& row = rows_[static_cast<std::size_t>(source)];
    if (row.empty()) row.resize(rows_.size() / kPage + 1);
    Page& page = row[static_cast<std::size_t>(destination) / kPage];
    if (page == nullptr) page = std::make_unique<std::span<const int>[]>(kPage);
    return page[static_cast<std::size_t>(destination) % kPage];
  }

  // Copies the links to memory that never moves.
  std::span<const int> keep(const std::vector<int>& links) {
    if (chunk_left_ < links.size()) {
      chunk_left_ = std::max(kChunk, links.size());
      chunks_.push_back(std::make_unique<int[]>(chunk_left_));
      chunk_end_ = chunks_.back().get();
    }
    int* begin = chunk_end_;
    chunk_end_ = std::copy(links.begin(), links.end(), begin);
    chunk_left_ -= links.size();
    return {begin, links.size()};
  }

 private:
  static constexpr std::size_t kPage = 64;
  static constexpr std::size_t kChunk = 1 << 16;
  using Page = std::unique_ptr<std::span<const int>[]>;

  std::vector<std::vector<Page>> rows_;
  std::vector<std::unique_ptr<int[]>> chunks_;
  int* chunk_end_ = nullptr;
  std::size_t chunk_left_ = 0;
};

// Next-hop tables beyond this many integers (256 MiB) are dropped and made anew when needed.
constexpr std::size_t kNextHopsLimit = std::size_t{1} << 26;

}  // namespace

struct Router::State {
  Cluster cluster;
  RoutingOptions options;
  Graph graph;
  RouteTable routes;
  std::vector<NextHops> next_hops;  // by destination rank; empty until needed
  std::size_t next_hops_size = 0;
  std::vector<int> walk;  // scratch
  std::map<const int*, Path> path_of;

  State(Cluster c, const RoutingOptions& o)
      : cluster(std::move(c)),
        options(o),
        graph(make_graph(cluster)),
        routes(cluster.num_endpoints()),
        next_hops(static_cast<std::size_t>(cluster.num_endpoints())) {}

  const NextHops& next_hops_to(int destination);
  std::span<const int> find_route(int source, int destination);
};

const NextHops& Router::State::next_hops_to(int destination) {
  NextHops& table = next_hops[static_cast<std::size_t>(destination)];
  if (table.first.empty()) {
    NextHops made = find_next_hops(cluster, graph, cluster.vertex_of_endpoint(destination));
    if (next_hops_size + made.size() > kNextHopsLimit) {
      for (NextHops& old : next_hops) old = {};
      next_hops_size = 0;
    }
    next_hops_size += made.size();
    table = std::move(made);
  }
  return table;
}

std::span<const int> Router::State::find_route(int source, int destination) {
  const NextHops& next = next_hops_to(destination);
  const int goal = cluster.vertex_of_endpoint(destination);
  const std::uint64_t pair_hash =
      base::mix(base::mix(base::mix(options.seed) + static_cast<std::uint64_t>(source)) +
                static_cast<std::uint64_t>(destination));
  walk.clear();
  for (int vertex = cluster.vertex_of_endpoint(source); vertex != goal;) {
    const int begin = next.first[vertex];
    const int choices = next.first[vertex + 1] - begin;
    if (choices == 0) {
      throw base::Error("",
                        "no route from rank " + std::to_string(source) + " (" +
                            cluster.vertices[cluster.vertex_of_endpoint(source)].name +
                            ") to rank " + std::to_string(destination) + " (" +
                            cluster.vertices[goal].name + ")",
                        "join them by links that pass through no other accelerator");
    }
    // A single choice needs no hash; most vertices have one.
    const std::uint64_t choice = choices == 1
                                     ? 0
                                     : base::mix(pair_hash + static_cast<std::uint64_t>(vertex)) %
                                           static_cast<std::uint64_t>(choices);
    const int link = next.links[static_cast<std::size_t>(begin) + choice];
    walk.push_back(link);
    vertex = cluster.links[link].to;
  }
  return routes.keep(walk);
}

base::EnumNames<RoutingPolicy> names_of(RoutingPolicy) {
  return {{RoutingPolicy::ecmp, "ecmp"},
          {RoutingPolicy::spray, "spray"},
          {RoutingPolicy::dimension_order, "dimension_order"},
          {RoutingPolicy::valiant, "valiant"}};
}

Router::Router(Cluster cluster, RoutingOptions options)
    : state_(std::make_unique<State>(std::move(cluster), options)) {}

Router::~Router() = default;

const Cluster& Router::cluster() const { return state_->cluster; }

std::span<const int> Router::route(int source, int destination) {
  const int num_ranks = state_->cluster.num_endpoints();
  CHECK(source >= 0 && source < num_ranks, "route from rank " + std::to_string(source));
  CHECK(destination >= 0 && destination < num_ranks,
        "route to rank " + std::to_string(destination));
  if (source == destination) return {};
  std::span<const int>& known = state_->routes.at(source, destination);
  if (known.data() == nullptr) known = state_->find_route(source, destination);
  return known;
}

std::span<const Path> Router::paths(int source, int destination) {
  const std::span<const int> links = route(source, destination);
  if (links.empty()) return {};
  Path& path = state_->path_of[links.data()];
  path = {links, 1.0};
  return {&path, 1};
}

base::Seconds Router::latency(int source, int destination) {
  base::Seconds sum;
  for (const int link : route(source, destination)) sum += state_->cluster.links[link].latency;
  return sum;
}

std::vector<LinkLoad> link_loads(Router& router, std::span<const Transfer> transfers) {
  std::vector<base::Bytes> bytes(router.cluster().links.size());
  for (const Transfer& transfer : transfers) {
    if (transfer.bytes.value <= 0) continue;
    for (const int link : router.route(transfer.source, transfer.destination)) {
      bytes[link] += transfer.bytes;
    }
  }
  std::vector<LinkLoad> loads;
  for (std::size_t link = 0; link < bytes.size(); ++link) {
    if (bytes[link].value > 0) loads.push_back({static_cast<int>(link), bytes[link]});
  }
  return loads;
}

}  // namespace moesim::topologies
