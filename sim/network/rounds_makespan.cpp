// SPDX-License-Identifier: Apache-2.0
#include "sim/network/rounds_makespan.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <span>

#include "sim/network/fluid.h"
#include "sim/network/round_tracker.h"

namespace moesim::sim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Up to this many moving messages are followed from arrival to arrival; of more, arrivals within
// this share of the busiest link's time fall together.
constexpr std::size_t kFewMoving = 64;
constexpr double kStep = 0.005;
// A message with less than this share of a step's bytes left has arrived.
constexpr double kRounding = 1e-12;

class RoundsSimulation {
 public:
  RoundsSimulation(topologies::Router& router, const std::vector<int>& channels,
                   const Collective& collective)
      : router_(router), collective_(collective), tracker_(collective) {
    // All messages' links once; `all_.left` is in the order of message_of_parcel_.
    all_ = fluid_of(router, channels, collective.transfers);
    parcel_of_.assign(collective.transfers.size(), -1);
    int parcel = 0;
    for (std::size_t m = 0; m < collective.transfers.size(); ++m) {
      if (carries(collective.transfers[m])) parcel_of_[m] = parcel++;
    }
  }

  double run() {
    release(tracker_.first_messages());
    while (!moving_.empty() || !waiting_.empty()) {
      while (!waiting_.empty() && waiting_.top().time <= now_) {
        moving_.push_back(waiting_.top().message);
        waiting_.pop();
      }
      advance();
    }
    return now_;
  }

 private:
  struct Waiting {
    double time;
    int message;
    bool operator>(const Waiting& other) const {
      return time != other.time ? time > other.time : message > other.message;
    }
  };

  void release(const std::vector<int>& messages) {
    for (const int m : messages) {
      const topologies::Transfer& transfer = collective_.transfers[m];
      const base::Seconds delay =
          tracker_.wait_before(m) + router_.latency(transfer.source, transfer.destination);
      waiting_.push({now_ + delay.value, m});
    }
  }

  // The moving messages' share of `all_`.
  Fluid moving_fluid() const {
    Fluid fluid;
    fluid.capacities = all_.capacities;
    for (const int m : moving_) {
      const int parcel = parcel_of_[m];
      fluid.links_of.append(all_.links_of.list(parcel));
      fluid.weights.insert(fluid.weights.end(), all_.weights.begin() + all_.links_of.first[parcel],
                           all_.weights.begin() + all_.links_of.first[parcel + 1]);
      fluid.left.push_back(all_.left[parcel]);
    }
    return fluid;
  }

  // Up to the next arrival or start, or a step further where many move.
  void advance() {
    const double next_start = waiting_.empty() ? kInfinity : waiting_.top().time - now_;
    if (moving_.empty()) {
      now_ = waiting_.top().time;
      return;
    }
    const Fluid fluid = moving_fluid();
    const double least = moving_.size() > kFewMoving ? kStep * busiest_link(fluid) : 0;
    std::vector<double> caps(moving_.size(), kInfinity);
    for (std::size_t i = 0; least > 0 && i < caps.size(); ++i) caps[i] = fluid.left[i] / least;
    std::vector<double> rates;
    MaxMinFill(fluid).fill(caps, rates);
    double step = kInfinity;
    for (std::size_t i = 0; i < rates.size(); ++i) step = std::min(step, fluid.left[i] / rates[i]);
    step = std::min(std::max(step, least), next_start);
    now_ = step == next_start ? waiting_.top().time : now_ + step;
    std::vector<int> still;
    std::vector<int> arrived;
    for (std::size_t i = 0; i < rates.size(); ++i) {
      double& left = all_.left[parcel_of_[moving_[i]]];
      const double moved = rates[i] * step;
      left = moved * (1 + kRounding) >= left ? 0 : left - moved;
      (left > 0 ? still : arrived).push_back(moving_[i]);
    }
    moving_ = std::move(still);
    std::sort(arrived.begin(), arrived.end());
    for (const int m : arrived) release(tracker_.arrive(m));
  }

  topologies::Router& router_;
  const Collective& collective_;
  RoundTracker tracker_;
  Fluid all_;
  std::vector<int> parcel_of_;  // [transfers] -1 for what is no message
  std::vector<int> moving_;     // messages
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  double now_ = 0;
};

double round_by_round(topologies::Router& router, const std::vector<int>& channels,
                      const Collective& collective) {
  double sum = 0;
  std::size_t begin = 0;
  for (const Round& round : collective.rounds) {
    const std::span transfers(collective.transfers.data() + begin, round.end - begin);
    base::Seconds latency;
    for (const topologies::Transfer& transfer : transfers) {
      if (!carries(transfer)) continue;
      latency = std::max(latency, router.latency(transfer.source, transfer.destination));
    }
    sum += (round.latency + latency).value + drain(fluid_of(router, channels, transfers));
    begin = round.end;
  }
  return sum;
}

}  // namespace

base::Seconds rounds_makespan(topologies::Router& router, const std::vector<int>& channels,
                              const Collective& collective) {
  const bool follow = collective.transfers.size() <= kMostRoundMessages;
  return base::Seconds(follow ? RoundsSimulation(router, channels, collective).run()
                              : round_by_round(router, channels, collective));
}

}  // namespace moesim::sim
