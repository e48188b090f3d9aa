// SPDX-License-Identifier: Apache-2.0
#include "sim/network/known_collectives.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "sim/network/channels.h"
#include "sim/network/fluid.h"
#include "sim/network/rounds_makespan.h"

namespace moesim::sim {
namespace {

// Bins of load classes, in shares of the busiest link's time.
constexpr double kGrain = 0.05;

// When the last message arrives, latencies left out.
double fair_makespan(topologies::Router& router, const std::vector<int>& channels,
                     const Collective& collective, const CollectiveLoad& load) {
  const double least = load.busiest_link.value;
  if (load.links.empty()) return 0;
  if (collective.transfers.size() > KnownCollectives::kMostMessages) {
    const Fluid classes = classes_of(router, channels, collective.transfers, load.links, kGrain);
    return std::max(least, drain(classes));
  }
  const Fluid fluid = fluid_of(router, channels, collective.transfers);
  const double most = std::max(least, links_one_by_one(fluid));
  return std::clamp(drain(fluid), least, most);
}

}  // namespace

std::uint64_t content_hash(const Collective& collective) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add = [&hash](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3ULL; };
  for (const topologies::Transfer& transfer : collective.transfers) {
    add(static_cast<std::uint64_t>(transfer.source));
    add(static_cast<std::uint64_t>(transfer.destination));
    add(std::bit_cast<std::uint64_t>(transfer.bytes.value));
  }
  return hash;
}

KnownCollectives::KnownCollectives(topologies::Router& router)
    : router_(router), channels_(channels_of(router.cluster())) {}

std::shared_ptr<const AloneTimes> KnownCollectives::of(const Collective& collective) {
  return known_.of(collective, [this](const Collective& unknown) { return work_out(unknown); });
}

void KnownCollectives::forget() {
  known_.forget();
  channels_ = channels_of(router_.cluster());
}

std::shared_ptr<const CollectiveLoad> KnownFloors::of(const Collective& collective) {
  return known_.of(collective,
                   [this](const Collective& unknown) { return load_of(router_, unknown); });
}

AloneTimes KnownCollectives::work_out(const Collective& collective) const {
  AloneTimes times;
  times.load = load_of(router_, collective);
  const base::Seconds busiest = times.load.busiest_link;
  if (collective.rounds.empty()) {
    // Paid before any byte moves, so that the collective alone ends at its floor, or later by what
    // fair sharing costs it.
    times.latency = times.load.latency;
    const base::Seconds fair(fair_makespan(router_, channels_, collective, times.load));
    times.carrying = std::max(fair, times.load.floor - times.latency);
    return times;
  }
  const base::Seconds whole = rounds_makespan(router_, channels_, collective);
  times.latency = collective.protocol_latency + collective.rounds.front().latency;
  times.carrying = std::max(
      {busiest, times.load.floor - times.latency, whole - collective.rounds.front().latency});
  return times;
}

}  // namespace moesim::sim
