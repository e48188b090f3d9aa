// SPDX-License-Identifier: Apache-2.0
#include "sim/network/known_collectives.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "base/error.h"
#include "sim/network/channels.h"
#include "sim/network/fluid.h"
#include "sim/network/rounds_makespan.h"

namespace moesim::sim {
namespace {

// Bins of load classes, in shares of the busiest link's time.
constexpr double kGrain = 0.05;

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

// Works out on all threads those of the collectives that `known` lacks and has room for. Of the
// others' messages there are enough for all threads to work on one.
template <class Value, class WorkOut>
void prepare_in(ByContent<Value>& known, RouterPool& routers,
                std::span<const Collective> collectives, const WorkOut& work_out) {
  std::vector<const Collective*> unknown = known.unknown_of(collectives);
  std::erase_if(unknown, [](const Collective* c) { return c->transfers.size() > kBlock; });
  std::vector<std::optional<Value>> values(unknown.size());
  routers.for_each(static_cast<int>(unknown.size()), [&](topologies::Router& router, int i) {
    RouterPool own(router, 1);
    try {
      values[i] = work_out(own, *unknown[i]);
    } catch (const base::Error&) {
      return;  // of() says it where the collective starts
    }
  });
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i]) known.remember(*unknown[i], content_hash(*unknown[i]), std::move(*values[i]));
  }
}

}  // namespace

std::uint64_t content_hash(const Collective& collective) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add = [&hash](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3ULL; };
  for (const topologies::Transfer& transfer : collective.transfers) {
    add(static_cast<std::uint64_t>(transfer.source) << 32 |
        static_cast<std::uint32_t>(transfer.destination));
    add(std::bit_cast<std::uint64_t>(transfer.bytes.value));
  }
  return hash;
}

bool have_equal_content(const Collective& a, const Collective& b) {
  return a.protocol_latency == b.protocol_latency && a.rounds == b.rounds &&
         a.transfers == b.transfers;
}

KnownCollectives::KnownCollectives(topologies::Router& router, int threads)
    : routers_(router, threads), channels_(channels_of(router.cluster())) {}

std::shared_ptr<const AloneTimes> KnownCollectives::of(const Collective& collective) {
  return known_.of(collective,
                   [this](const Collective& unknown) { return work_out(routers_, unknown); });
}

void KnownCollectives::prepare(std::span<const Collective> collectives) {
  prepare_in(known_, routers_, collectives,
             [this](RouterPool& own, const Collective& unknown) { return work_out(own, unknown); });
}

void KnownCollectives::forget() {
  known_.forget();
  routers_.renew();
  channels_ = channels_of(routers_.router().cluster());
}

AloneTimes KnownCollectives::work_out(RouterPool& routers, const Collective& collective) const {
  AloneTimes times;
  times.load = load_of(routers, collective);
  if (collective.rounds.empty()) {
    const Fluid fluid =
        has_classes(collective)
            ? classes_of(routers, channels_, collective.transfers, times.load.links, kGrain)
            : fluid_of(routers.router(), channels_, collective.transfers);
    const base::Seconds makespan(fair_makespan(fluid, collective, times.load));
    // Latency is paid before any byte moves, so that the collective alone ends at its floor, or
    // later by what fair sharing costs it.
    times.latency = times.load.latency;
    times.carrying = std::max(makespan, times.load.floor - times.latency);
    return times;
  }
  const base::Seconds whole = rounds_makespan(routers.router(), channels_, collective);
  times.latency = collective.protocol_latency + collective.rounds.front().latency;
  times.carrying = std::max({times.load.busiest_link, times.load.floor - times.latency,
                             whole - collective.rounds.front().latency});
  return times;
}

std::shared_ptr<const CollectiveLoad> KnownFloors::of(const Collective& collective) {
  return known_.of(collective,
                   [this](const Collective& unknown) { return load_of(routers_, unknown); });
}

void KnownFloors::prepare(std::span<const Collective> collectives) {
  prepare_in(known_, routers_, collectives,
             [](RouterPool& own, const Collective& unknown) { return load_of(own, unknown); });
}

void KnownFloors::forget() {
  known_.forget();
  routers_.renew();
}

}  // namespace moesim::sim
