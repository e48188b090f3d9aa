// SPDX-License-Identifier: Apache-2.0
#include "sim/network/fair_makespan.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "sim/network/max_min_fill.h"
#include "sim/network/simgrid/channels.h"

namespace moesim::sim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// This many messages are followed from end to end.
constexpr std::size_t kFewMessages = 64;
// A step of more of them takes this share of what the busiest link still needs ...
constexpr double kStep = 0.03;
// ... until that is less than this share of what it needed at first.
constexpr double kNegligible = 1e-3;
// Arrived messages are dropped when fewer than this share of all still move.
constexpr double kDense = 0.875;
// A message with less than this share of a step's bytes left has arrived.
constexpr double kRounding = 1e-12;
// Transfers to remember: 32 MiB.
constexpr std::size_t kMostKnown = std::size_t{1} << 21;

// Messages that move: their bytes that have not arrived yet, and the links they cross.
struct Messages {
  std::vector<double> capacities;  // [links] bytes per second, of links that carry any
  IntLists links_of;               // [messages]
  std::vector<double> left;        // [messages] bytes; 0 for those that have arrived
};

// [links] the time that the bytes left need of each link.
std::vector<double> times_of(const Messages& messages) {
  std::vector<double> times(messages.capacities.size(), 0.0);
  for (std::size_t m = 0; m < messages.left.size(); ++m) {
    for (const int link : messages.links_of.list(m)) times[link] += messages.left[m];
  }
  for (std::size_t l = 0; l < times.size(); ++l) times[l] /= messages.capacities[l];
  return times;
}

double busiest_link(const Messages& messages) {
  const std::vector<double> times = times_of(messages);
  return *std::max_element(times.begin(), times.end());
}

// Max-min sharing keeps a link of every message full, so none outlasts its links one by one.
double links_one_by_one(const Messages& messages) {
  const std::vector<double> times = times_of(messages);
  double most = 0;
  for (std::size_t m = 0; m < messages.left.size(); ++m) {
    double sum = 0;
    for (const int link : messages.links_of.list(m)) sum += times[link];
    most = std::max(most, sum);
  }
  return most;
}

void drop_arrived(Messages& messages) {
  IntLists links_of;
  std::size_t kept = 0;
  for (std::size_t m = 0; m < messages.left.size(); ++m) {
    if (messages.left[m] <= 0) continue;
    links_of.append(messages.links_of.list(m));
    messages.left[kept++] = messages.left[m];
  }
  messages.left.resize(kept);
  messages.links_of = std::move(links_of);
}

// [messages] the rates at which they would arrive at the end of a step, 0 for those that have.
void set_caps(const Messages& messages, double step, std::vector<double>& caps) {
  caps.resize(messages.left.size());
  for (std::size_t m = 0; m < caps.size(); ++m) {
    caps[m] = messages.left[m] <= 0 ? 0 : step <= 0 ? kInfinity : messages.left[m] / step;
  }
}

// Lets the messages move for `least_step`, or longer, until the first arrives. Returns for how long
// and how many arrived.
std::pair<double, std::size_t> move_bytes(Messages& messages, double least_step,
                                          const std::vector<double>& rates) {
  double step = kInfinity;
  for (std::size_t m = 0; m < rates.size(); ++m) {
    if (messages.left[m] > 0) step = std::min(step, messages.left[m] / rates[m]);
  }
  step = std::max(step, least_step);
  std::size_t arrived = 0;
  for (std::size_t m = 0; m < rates.size(); ++m) {
    if (messages.left[m] <= 0) continue;
    const double moved = rates[m] * step;
    messages.left[m] = moved * (1 + kRounding) >= messages.left[m] ? 0 : messages.left[m] - moved;
    if (messages.left[m] <= 0) ++arrived;
  }
  return {step, arrived};
}

// When the last message arrives. A step longer than up to the next arrival caps the messages that
// arrive within it, so that what they leave is used by others: no capacity is lost to stepping.
double drain(Messages messages) {
  const double negligible = kNegligible * busiest_link(messages);
  double now = 0;
  std::vector<double> caps;
  std::vector<double> rates;
  while (!messages.left.empty()) {
    MaxMinFill filling(messages.links_of, messages.capacities);
    std::size_t moving = messages.left.size();
    const std::size_t enough = static_cast<std::size_t>(kDense * static_cast<double>(moving));
    while (moving > 0 && moving >= enough) {
      double step = 0;
      if (moving > kFewMessages) {
        const double bound = busiest_link(messages);
        if (bound < negligible) return now + bound;
        step = kStep * bound;
      }
      set_caps(messages, step, caps);
      filling.fill(caps, rates);
      const auto [moved_for, arrived] = move_bytes(messages, step, rates);
      now += moved_for;
      moving -= arrived;
    }
    drop_arrived(messages);
  }
  return now;
}

// FNV-1a (Fowler, Noll, Vo), a word at a time.
std::uint64_t hash_of(const std::vector<topologies::Transfer>& transfers) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add = [&hash](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3ULL; };
  for (const topologies::Transfer& transfer : transfers) {
    add(static_cast<std::uint64_t>(transfer.source));
    add(static_cast<std::uint64_t>(transfer.destination));
    add(std::bit_cast<std::uint64_t>(transfer.bytes.value));
  }
  return hash;
}

Messages messages_of(topologies::Router& router, const std::vector<int>& channels,
                     const std::vector<topologies::Transfer>& transfers) {
  Messages messages;
  std::vector<int> place(channels.size(), -1);  // [links] in `capacities`
  for (const topologies::Transfer& transfer : transfers) {
    if (transfer.bytes.value <= 0 || transfer.source == transfer.destination) continue;
    for (const int link : router.route(transfer.source, transfer.destination)) {
      if (channels[link] != link) continue;
      if (place[link] < 0) {
        place[link] = static_cast<int>(messages.capacities.size());
        messages.capacities.push_back(router.cluster().links[link].bandwidth.value);
      }
      messages.links_of.items.push_back(place[link]);
    }
    messages.links_of.end_list();
    messages.left.push_back(transfer.bytes.value);
  }
  return messages;
}

}  // namespace

FairMakespan::FairMakespan(topologies::Router& router)
    : router_(router), channels_(channels_of(router.cluster())) {}

base::Seconds FairMakespan::of(const Collective& collective) {
  const std::uint64_t key = hash_of(collective.transfers);
  const auto [begin, end] = known_.equal_range(key);
  for (auto known = begin; known != end; ++known) {
    if (known->second.transfers == collective.transfers) return known->second.makespan;
  }
  const base::Seconds makespan = solve(collective);
  if (known_transfers_ + collective.transfers.size() > kMostKnown) {
    known_.clear();
    known_transfers_ = 0;
  }
  known_transfers_ += collective.transfers.size();
  known_.emplace(key, Known{collective.transfers, makespan});
  return makespan;
}

base::Seconds FairMakespan::solve(const Collective& collective) const {
  Messages messages = messages_of(router_, channels_, collective.transfers);
  if (messages.left.empty()) return base::Seconds(0);
  const double least = busiest_link(messages);
  if (messages.left.size() > kMostMessages) return base::Seconds(least);
  const double most = std::max(least, links_one_by_one(messages));
  return base::Seconds(std::clamp(drain(std::move(messages)), least, most));
}

}  // namespace moesim::sim
