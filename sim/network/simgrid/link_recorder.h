// SPDX-License-Identifier: Apache-2.0
// What each link carried over simulated time, read from SimGrid's solver while it runs, and two
// promises: no link above its capacity (INV-3), and every byte put on a link carried (INV-2).
#pragma once

#include <simgrid/s4u.hpp>
#include <span>
#include <vector>

#include "base/units.h"
#include "sim/network/network.h"
#include "sim/network/rate_steps.h"
#include "topologies/routing.h"

namespace moesim::sim {

class LinkRecorder {
 public:
  // [links] channels_of the cluster, and SimGrid's links, null for those that a channel joins.
  void watch(const topologies::Cluster& cluster, std::vector<int> channels,
             std::vector<const simgrid::s4u::Link*> links);

  // An activity that puts these bytes on links (channels' own) has started, or ended.
  void start(std::span<const topologies::LinkLoad> loads);
  void end(std::span<const topologies::LinkLoad> loads);

  // The clock has moved by `delta` > 0 from `from`, with the rates that the solver still holds.
  // Rates are read only when `rates_may_differ` or an activity started or ended since the last
  // call.
  void advance(base::Seconds from, base::Seconds delta, bool rates_may_differ);

  // Closes the records at the end of a run, with nothing in flight. CHECKs INV-2.
  void finish(base::Seconds now);

  // Links that carried bytes, in link order.
  std::vector<LinkUse> use() const;

 private:
  struct Record {
    base::Bytes put;      // by activities, in full
    base::Bytes carried;  // integral of the rates
    base::Seconds busy;
    base::BytesPerSecond rate;
    int activities = 0;   // that hold bytes for this link now
    bool active = false;  // listed in active_
    RateSteps steps;
  };

  void settle();
  void read_rates(base::Seconds from);

  const topologies::Cluster* cluster_ = nullptr;
  std::vector<int> channels_;
  std::vector<const simgrid::s4u::Link*> links_;
  std::vector<Record> records_;
  std::vector<int> active_;      // links with activities, or with a rate that was above 0
  base::Seconds since_reading_;  // time that passed with the rates in the records
  bool changed_ = false;
};

}  // namespace moesim::sim
