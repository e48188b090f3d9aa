// SPDX-License-Identifier: Apache-2.0
// Routes between the ends of transfers, by the fabric's policy. And what a traffic matrix puts on
// each link.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/field_codec.h"
#include "base/units.h"
#include "topologies/cluster.h"

namespace moesim::topologies {

// One message between two endpoints of the cluster (Cluster::vertex_of_endpoint).
struct Transfer {
  int source = 0;
  int destination = 0;
  base::Bytes bytes;

  bool operator==(const Transfer&) const = default;
};

// ecmp: a shortest way by hops; equally short ones are told apart at each vertex by
// hash(seed, source, destination, vertex), so every pair keeps to one way and ways collide (minimal
// routing on a dragonfly). spray: packets of one message spread evenly over the equally short next
// hops of every vertex. dimension_order: torus and HyperX routers correct one coordinate after
// another, lowest first, the shorter way round. valiant: by a hashed intermediate group (dragonfly)
// or switch, minimal to it and minimal from it (Valiant and Brebner 1981).
enum class RoutingPolicy { ecmp, spray, dimension_order, valiant };
base::EnumNames<RoutingPolicy> names_of(RoutingPolicy);

struct RoutingOptions {
  RoutingPolicy policy = RoutingPolicy::ecmp;
  // A message whose destination's NIC is on another rail goes over the scale-up link to the
  // neighbour on that rail and leaves from its NIC (NCCL's PXN).
  bool rail_forwarding = false;
  std::uint64_t seed = 0;  // enters the hash, as switches' hash seeds do
};

// One way of a transfer and the share of its bytes that takes it.
struct Path {
  std::span<const int> links;
  double share = 1;
};

// What changes on a link while a simulation runs.
struct LinkChange {
  int link = 0;
  bool up = true;
  base::BytesPerSecond bandwidth;
  base::Seconds latency;
};

struct LinkLoad {
  int link = 0;
  base::Bytes bytes;
};

// Finds and remembers routes. Not thread-safe.
class Router {
 public:
  explicit Router(Cluster cluster, RoutingOptions options = {});
  ~Router();

  // The cluster as it is now, see apply().
  const Cluster& cluster() const;

  // Links from source to destination, empty when they are the same endpoint. Policies with one path
  // per pair only (not spray). The span stays valid for the Router's life. Throws base::Error when
  // there is no route.
  std::span<const int> route(int source, int destination);

  // As route(), but nothing is remembered: the span lasts until the next call of any function of
  // this Router. For streams of many pairs; costs tens of nanoseconds and no memory per pair.
  std::span<const int> walk(int source, int destination);

  // Whether there is a way from source to destination; true when they are the same.
  bool has_route(int source, int destination);

  // The ways of a transfer and their shares, which sum to 1; none when source and destination are
  // the same endpoint. Stays valid for the Router's life. Throws base::Error when there is none.
  std::span<const Path> paths(int source, int destination);

  // The greatest sum of link latencies over the ways.
  base::Seconds latency(int source, int destination);

  // Changes links for all routes asked for from now on; routes given before stay valid as lists of
  // links. Links that are down are left out of every route.
  void apply(std::span<const LinkChange> changes);
  bool is_up(int link) const;

 private:
  friend struct LinkLoader;
  friend std::vector<LinkLoad> link_loads(Router& router, std::span<const Transfer> transfers);
  struct State;
  std::unique_ptr<State> state_;
};

// Bytes on every link that carries any, in link order. Sums over transfers in their order.
std::vector<LinkLoad> link_loads(Router& router, std::span<const Transfer> transfers);

}  // namespace moesim::topologies
