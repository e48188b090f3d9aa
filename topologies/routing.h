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
// hash(seed, source, destination, vertex), so every pair keeps to one way and ways collide. On a
// dragonfly the minimal way: one cable between two groups, a hop at most in either.
// spray: packets of one message spread evenly over the equally short next hops of every vertex.
// dimension_order: torus and HyperX routers correct one coordinate after another, lowest first, the
// shorter way round; of two as long, the hash picks one. A pair whose way is down takes ecmp's.
// valiant: by a hashed third group (dragonfly) or a hashed third switch (torus and HyperX, both
// halves by dimension order), minimal to it and minimal from it (Valiant and Brebner 1981). Between
// two of one group or switch, where no third is left, or where the way would pass a link twice or
// one that is down, it is ecmp's.
// Under all of them accelerators do not forward, NICs and PCIe switches of a node (Vertex::node)
// pass only what begins or ends in it, and accelerators as near over scale-up links as over others
// take the scale-up links.
enum class RoutingPolicy { ecmp, spray, dimension_order, valiant };
base::EnumNames<RoutingPolicy> names_of(RoutingPolicy);

struct RoutingOptions {
  RoutingPolicy policy = RoutingPolicy::ecmp;
  // A message whose destination's NIC is on another rail goes over scale-up links to a neighbour of
  // the source's node on that rail, hashed if there are several, and leaves from its NIC (NCCL's
  // PXN). A rail is a NIC's first switch, or else all first switches of one Vertex::place. Where
  // there is no such neighbour, where the source has a NIC on that rail, and where it reaches the
  // destination without the fabric, the normal way.
  bool rail_forwarding = false;
  std::uint64_t seed = 0;  // enters the hash, as switches' hash seeds do
};

// One way of a transfer and the share of its bytes that takes it.
struct Path {
  std::span<const int> links;
  double share = 1;
};

// What changes on a link while a simulation runs. The figures are the new ones of a link that is
// up; one that goes down keeps its old ones. A node, NIC or switch that fails is all its links,
// both ways.
struct LinkChange {
  int link = 0;
  bool up = true;
  base::BytesPerSecond bandwidth = {};
  base::Seconds latency = {};
};

struct LinkLoad {
  int link = 0;
  base::Bytes bytes;

  bool operator==(const LinkLoad&) const = default;
};

// Finds and remembers routes. Not thread-safe. Routes hang on the cluster, the options and the
// links that are up alone, not on the order of questions.
class Router {
 public:
  // Throws base::Error where the fabric's switches have not the places that the policy needs.
  explicit Router(Cluster cluster, RoutingOptions options = {});
  // The same routes over the same links, nothing remembered: for another thread.
  Router(const Router& other);
  Router& operator=(const Router&) = delete;
  ~Router();

  // The cluster as it is now, see apply().
  const Cluster& cluster() const;

  // Links from source to destination, empty when they are the same endpoint. Policies with one path
  // per pair only (CHECK: not spray). The span stays valid for the Router's life. Throws
  // base::Error that names both ends when there is no route.
  std::span<const int> route(int source, int destination);

  // As route(), but nothing is remembered: the span lasts until the next call of any function of
  // this Router. For streams of many pairs: tens of nanoseconds and no memory per pair.
  std::span<const int> walk(int source, int destination);

  // Whether there is a way from source to destination; true when they are the same.
  bool has_route(int source, int destination);

  // The ways of a transfer and their shares, which sum to 1; none when source and destination are
  // the same endpoint. Remembered; stays valid for the Router's life. Throws base::Error when there
  // is none, or when a message is sprayed over 65,536 ways or more.
  std::span<const Path> paths(int source, int destination);

  // As paths(), but nothing is remembered: the span lasts until the next call of any function of
  // this Router. As cheap as walk() but under spray, where it takes time by the way.
  std::span<const Path> walk_paths(int source, int destination);

  // The greatest sum of link latencies over the ways. As cheap as walk().
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

// Bytes on every link that carries any, in link order. Each link's sum is over transfers in their
// order; under spray, links between the fabric's switches are summed switch by switch instead, in
// an order that hangs on the transfers alone. Throws base::Error when a transfer of bytes has no
// route.
std::vector<LinkLoad> link_loads(Router& router, std::span<const Transfer> transfers);

}  // namespace moesim::topologies
