// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "topologies/routing/router_state.h"

namespace moesim::topologies {
namespace {

// Listed ways of one sprayed pair: beyond it they are no use to anybody, and would fill the memory.
constexpr std::size_t kWaysLimit = std::size_t{1} << 16;

}  // namespace

base::EnumNames<RoutingPolicy> names_of(RoutingPolicy) {
  return {{RoutingPolicy::ecmp, "ecmp"},
          {RoutingPolicy::spray, "spray"},
          {RoutingPolicy::dimension_order, "dimension_order"},
          {RoutingPolicy::valiant, "valiant"}};
}

Router::State::State(Cluster c, const RoutingOptions& o, std::vector<char> links_up)
    : cluster(std::move(c)),
      options(o),
      up(std::move(links_up)),
      kept_routes(cluster.num_endpoints()),
      kept_paths(cluster.num_endpoints()) {
  for (const Link& link : cluster.links) latencies.push_back(link.latency);
  make_walker();
}

void Router::State::make_walker() {
  greatest.reset();
  walker = std::make_unique<Walker>(cluster, options, up);
}

void Router::State::check_pair(int source, int destination) const {
  const int count = cluster.num_endpoints();
  CHECK(source >= 0 && source < count, "route from rank " + std::to_string(source));
  CHECK(destination >= 0 && destination < count, "route to rank " + std::to_string(destination));
}

void Router::State::fail(int source, int destination) const {
  const auto name = [&](int endpoint) {
    return (endpoint < cluster.num_ranks() ? "rank " + std::to_string(endpoint) : "switch") + " (" +
           cluster.vertices[cluster.vertex_of_endpoint(endpoint)].name + ")";
  };
  throw base::Error("", "no route from " + name(source) + " to " + name(destination),
                    "join them by links that pass through no other accelerator");
}

void Router::State::walk(int source, int destination) {
  links.clear();
  if (source == destination) return;
  if (!walker->walk(source, destination, [this](int link) { links.push_back(link); })) {
    fail(source, destination);
  }
}

void Router::State::spray(int source, int destination) {
  NextHops& next = walker->next();
  int vertex = cluster.vertex_of_endpoint(source);
  const int goal = cluster.vertex_of_endpoint(destination);
  std::vector<Way> first = {Way{}};
  if (const int forwarder = walker->forwarder(source, destination); forwarder >= 0) {
    first = list_ways(next, vertex, next.towards(forwarder), kWaysLimit);
    vertex = forwarder;
  }
  const std::vector<Way> rest = list_ways(next, vertex, next.towards(goal), kWaysLimit);
  if (first.empty() || rest.empty()) fail(source, destination);
  if (first.size() * rest.size() >= kWaysLimit) {
    throw base::Error("",
                      "a message from rank " + std::to_string(source) + " to rank " +
                          std::to_string(destination) + " is sprayed over " +
                          std::to_string(kWaysLimit) + " ways or more, too many to list",
                      "route by ecmp or dimension_order, or use a network model that needs the "
                      "links' loads alone");
  }
  ways.clear();
  for (const Way& a : first) {
    for (const Way& b : rest) {
      Way& way = ways.emplace_back(a);
      way.links.insert(way.links.end(), b.links.begin(), b.links.end());
      way.share = a.share * b.share;
    }
  }
}

void Router::State::find_paths(int source, int destination) {
  paths.clear();
  if (options.policy != RoutingPolicy::spray) {
    walk(source, destination);
    paths.push_back({links, 1.0});
    return;
  }
  spray(source, destination);
  for (const Way& way : ways) paths.push_back({way.links, way.share});
}

base::Seconds Router::State::sprayed_latency(int source, int destination) {
  NextHops& next = walker->next();
  if (!walker->walk(source, destination, [](int) {})) fail(source, destination);
  if (!greatest) greatest.emplace(next, latencies);
  int vertex = cluster.vertex_of_endpoint(source);
  const int goal = cluster.vertex_of_endpoint(destination);
  base::Seconds sum;
  if (const int forwarder = walker->forwarder(source, destination); forwarder >= 0) {
    sum = greatest->of(vertex, next.towards(forwarder));
    vertex = forwarder;
  }
  return sum + greatest->of(vertex, next.towards(goal));
}

Router::Router(Cluster cluster, RoutingOptions options) {
  check_policy(cluster, options.policy);
  std::vector<char> up(cluster.links.size(), 1);
  state_ = std::make_unique<State>(std::move(cluster), options, std::move(up));
}

Router::Router(const Router& other)
    : state_(std::make_unique<State>(other.state_->cluster, other.state_->options,
                                     other.state_->up)) {}

Router::~Router() = default;

const Cluster& Router::cluster() const { return state_->cluster; }

std::span<const int> Router::route(int source, int destination) {
  state_->check_pair(source, destination);
  if (source == destination) return {};
  std::span<const int>& known = state_->kept_routes.at(source, destination);
  if (known.data() == nullptr) known = state_->kept_routes.keep(walk(source, destination));
  return known;
}

std::span<const int> Router::walk(int source, int destination) {
  CHECK(state_->options.policy != RoutingPolicy::spray, "a sprayed message has many routes");
  state_->check_pair(source, destination);
  state_->walk(source, destination);
  return state_->links;
}

bool Router::has_route(int source, int destination) {
  state_->check_pair(source, destination);
  return source == destination || state_->walker->walk(source, destination, [](int) {});
}

std::span<const Path> Router::paths(int source, int destination) {
  state_->check_pair(source, destination);
  if (source == destination) return {};
  State& state = *state_;
  std::span<const Path>& known = state.kept_paths.at(source, destination);
  if (known.data() != nullptr) return known;
  state.find_paths(source, destination);
  for (Path& path : state.paths) path.links = state.kept_routes.keep(path.links);
  known = state.kept_paths.keep(state.paths);
  return known;
}

std::span<const Path> Router::walk_paths(int source, int destination) {
  state_->check_pair(source, destination);
  if (source == destination) return {};
  state_->find_paths(source, destination);
  return state_->paths;
}

base::Seconds Router::latency(int source, int destination) {
  state_->check_pair(source, destination);
  if (source == destination) return {};
  if (state_->options.policy == RoutingPolicy::spray) {
    return state_->sprayed_latency(source, destination);
  }
  base::Seconds sum;
  const auto add = [&](int link) { sum += state_->latencies[link]; };
  if (!state_->walker->walk(source, destination, add)) state_->fail(source, destination);
  return sum;
}

void Router::apply(std::span<const LinkChange> changes) {
  State& state = *state_;
  bool have_ways_changed = false;
  for (const LinkChange& change : changes) {
    CHECK(change.link >= 0 && change.link < static_cast<int>(state.up.size()),
          "change of link " + std::to_string(change.link));
    have_ways_changed = have_ways_changed || (state.up[change.link] != 0) != change.up;
    state.up[change.link] = change.up ? 1 : 0;
    if (!change.up) continue;
    CHECK(std::isfinite(change.bandwidth.value) && change.bandwidth.value > 0 &&
              std::isfinite(change.latency.value) && change.latency.value >= 0,
          "bandwidth and latency of link " + std::to_string(change.link));
    state.cluster.links[change.link].bandwidth = change.bandwidth;
    state.cluster.links[change.link].latency = change.latency;
    state.latencies[change.link] = change.latency;
  }
  state.greatest.reset();
  if (!have_ways_changed) return;
  state.kept_routes.forget();
  state.kept_paths.forget();
  state.make_walker();
}

bool Router::is_up(int link) const {
  CHECK(link >= 0 && link < static_cast<int>(state_->up.size()), "link " + std::to_string(link));
  return state_->up[link] != 0;
}

}  // namespace moesim::topologies
