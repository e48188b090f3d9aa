// SPDX-License-Identifier: Apache-2.0
#include "sim/network/known_collectives.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "sim/network/channels.h"
#include "sim/network/fluid.h"
#include "sim/network/rounds_makespan.h"

namespace moesim::sim {
namespace {

// Bins of load classes, in shares of the busiest link's time.
constexpr double kGrain = 0.05;

// Collectives whose fluids are held at a time.
constexpr std::size_t kBatch = 64;

bool has_classes(const Collective& collective) {
  return collective.transfers.size() > KnownCollectives::kMostMessages;
}

// When the last message arrives, latencies left out. `fluid` is the collective's, message by
// message or by class.
double fair_makespan(const Fluid& fluid, const Collective& collective, const CollectiveLoad& load) {
  const double least = load.busiest_link.value;
  if (has_classes(collective)) return std::max(least, drain(fluid));
  const double most = std::max(least, links_one_by_one(fluid));
  return std::clamp(drain(fluid), least, most);
}

// One round: latency is paid before any byte moves, so that the collective alone ends at its floor,
// or later by what fair sharing costs it.
void set_times(AloneTimes& times, double makespan) {
  times.latency = times.load.latency;
  times.carrying = std::max(base::Seconds(makespan), times.load.floor - times.latency);
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

void KnownCollectives::prepare(std::span<const Collective> collectives, int threads) {
  std::vector<Draining> batch;
  for (const Collective& collective : collectives) {
    const bool drains = collective.rounds.empty() && !has_classes(collective);
    if (!drains || known_.knows(collective) || !known_.has_room(collective)) continue;
    const auto is_equal = [&](const Draining& other) {
      return other.collective->transfers == collective.transfers;
    };
    if (std::any_of(batch.begin(), batch.end(), is_equal)) continue;
    Draining draining{&collective, {}, {}, 0};
    try {
      draining.times.load = load_of(router_, collective);
    } catch (const base::Error&) {
      continue;
    }
    draining.fluid = fluid_of(router_, channels_, collective.transfers);
    batch.push_back(std::move(draining));
    if (batch.size() == kBatch) finish(batch, threads);
  }
  finish(batch, threads);
}

void KnownCollectives::finish(std::vector<Draining>& batch, int threads) {
  base::parallel_for(static_cast<int>(batch.size()), threads, [&](int i) {
    Draining& draining = batch[i];
    draining.makespan = fair_makespan(draining.fluid, *draining.collective, draining.times.load);
  });
  for (Draining& draining : batch) {
    set_times(draining.times, draining.makespan);
    known_.remember(*draining.collective, std::move(draining.times));
  }
  batch.clear();
}

AloneTimes KnownCollectives::work_out(const Collective& collective) const {
  AloneTimes times;
  times.load = load_of(router_, collective);
  if (collective.rounds.empty()) {
    const Fluid fluid =
        has_classes(collective)
            ? classes_of(router_, channels_, collective.transfers, times.load.links, kGrain)
            : fluid_of(router_, channels_, collective.transfers);
    set_times(times, fair_makespan(fluid, collective, times.load));
    return times;
  }
  const base::Seconds whole = rounds_makespan(router_, channels_, collective);
  times.latency = collective.protocol_latency + collective.rounds.front().latency;
  times.carrying = std::max({times.load.busiest_link, times.load.floor - times.latency,
                             whole - collective.rounds.front().latency});
  return times;
}

}  // namespace moesim::sim
