// SPDX-License-Identifier: Apache-2.0
// What a collective does when it is alone on the cluster: its links' bytes, its floor and how long
// it takes when its messages share links max-min fairly. That is longer than the busiest link's
// time where other links first keep that link from being busy, as thin uplinks do to a hot NIC.
// Collectives of equal content have one answer, worked out once: dispatch and combine come again in
// the backward pass.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/units.h"
#include "sim/collectives/collective.h"
#include "sim/network/by_content.h"
#include "sim/network/collective_load.h"
#include "sim/network/network.h"
#include "sim/network/router_pool.h"
#include "topologies/routing.h"

namespace moesim::sim {

// Alone, the collective ends `latency` + `carrying` after its start, not before its floor.
struct AloneTimes {
  CollectiveLoad load;
  base::Seconds latency;   // before any byte moves
  base::Seconds carrying;  // while bytes move, at least load.busiest_link; 0 without bytes
};

// Of each collective what alone() says. `router` must outlive it.
class KnownCollectives {
 public:
  // Messages of one round: exact up to 64, in steps of time up to this many, by load class beyond
  // (see fluid.h).
  static constexpr std::size_t kMostMessages = std::size_t{1} << 16;

  // Works on up to `threads` threads, with the same results for any number.
  explicit KnownCollectives(topologies::Router& router, int threads = 1);

  // Throws base::Error where two ends have no route.
  std::shared_ptr<const AloneTimes> of(const Collective& collective);

  // Works out those that are not known yet, several at a time, as far as there is room to remember
  // them. Leaves what has no route, and large ones, to of().
  void prepare(std::span<const Collective> collectives);

  // The cluster has changed: what was worked out does not hold any more.
  void forget();

  const Repetition& repetition() const { return known_.repetition(); }

 private:
  AloneTimes work_out(RouterPool& routers, const Collective& collective) const;

  RouterPool routers_;
  std::vector<int> channels_;  // see channels_of, of the cluster as it is
  ByContent<AloneTimes> known_;
};

// Of each collective its load and floor. `router` must outlive it.
class KnownFloors {
 public:
  KnownFloors(topologies::Router& router, int threads) : routers_(router, threads) {}

  // Throws base::Error where two ends have no route.
  std::shared_ptr<const CollectiveLoad> of(const Collective& collective);
  void prepare(std::span<const Collective> collectives);  // as KnownCollectives'
  void forget();
  const Repetition& repetition() const { return known_.repetition(); }

 private:
  RouterPool routers_;
  ByContent<CollectiveLoad> known_;
};

}  // namespace moesim::sim
