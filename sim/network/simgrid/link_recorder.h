// SPDX-License-Identifier: Apache-2.0
// What each link carried over simulated time, and two promises: no link above its capacity (INV-3),
// and every byte put on a link carried (INV-2).
#pragma once

#include <span>
#include <vector>

#include "base/units.h"
#include "sim/network/network.h"
#include "sim/network/rate_steps.h"
#include "topologies/routing.h"

namespace moesim::sim {

class LinkRecorder {
 public:
  // `channels` [links] see channels_of: what is said of a channel holds for all its links.
  LinkRecorder(const topologies::Cluster& cluster, std::vector<int> channels);

  // An activity begins to carry `share` of these bytes on channels, or gives up the last `share`.
  void start(std::span<const topologies::LinkLoad> loads, double share = 1);
  void give_up(std::span<const topologies::LinkLoad> loads, double share);

  // From `from` on, not before any time given earlier, the channel carries `rate`. CHECKs INV-3.
  void set_rate(int channel, base::Seconds from, base::BytesPerSecond rate);
  void set_capacity(int channel, base::BytesPerSecond capacity);
  base::BytesPerSecond capacity(int channel) const { return records_[channel].capacity; }

  // SimGrid's clock has moved on to `now`.
  void advance_clock(base::Seconds now);
  // The most by which the clock's steps so far may be off, summed.
  base::Seconds clock_rounding() const { return clock_rounding_; }

  // Closes the records at the end of a run, when all rates are 0. CHECKs INV-2.
  void finish() const;

  // Links that carried bytes, in link order.
  std::vector<LinkUse> use() const;

 private:
  struct Record {
    base::BytesPerSecond capacity;
    base::Bytes put;      // by activities, in full
    base::Bytes carried;  // integral of the rates up to `since`
    base::Seconds busy;
    base::Seconds since;  // with the rate at hand
    base::BytesPerSecond rate;
    base::Seconds rounded_since;  // clock_rounding_ at `since`
    base::Bytes rounding;         // what the clock's rounding may have moved of `carried`
    RateSteps steps;
  };

  std::vector<std::string> names_;  // [links]
  std::vector<int> channels_;
  std::vector<Record> records_;  // [links] of channels
  base::Seconds clock_rounding_;
};

}  // namespace moesim::sim
