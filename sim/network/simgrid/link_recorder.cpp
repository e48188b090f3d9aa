// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/link_recorder.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/check.h"

namespace moesim::sim {
namespace {

// What SimGrid exceeds a capacity by is rounding (1e-15 in all-to-alls of 64 to 1,024 ranks); its
// real overload, network/optim:Lazy, is 100 %.
constexpr double kTolerance = 1e-6;
// Of the clock's time: what a step may be off, of which half is the clock's own rounding and half
// that of the step's length.
constexpr double kClockRounding = std::numeric_limits<double>::epsilon();

}  // namespace

LinkRecorder::LinkRecorder(const topologies::Cluster& cluster, std::vector<int> channels)
    : channels_(std::move(channels)), records_(cluster.links.size()) {
  for (std::size_t link = 0; link < records_.size(); ++link) {
    names_.push_back(cluster.links[link].name);
    records_[link].capacity = cluster.links[link].bandwidth;
  }
}

void LinkRecorder::start(std::span<const topologies::LinkLoad> loads, double share) {
  for (const topologies::LinkLoad& load : loads) records_[load.link].put += load.bytes * share;
}

void LinkRecorder::give_up(std::span<const topologies::LinkLoad> loads, double share) {
  for (const topologies::LinkLoad& load : loads) records_[load.link].put -= load.bytes * share;
}

void LinkRecorder::set_capacity(int channel, base::BytesPerSecond capacity) {
  records_[channel].capacity = capacity;
}

void LinkRecorder::set_rate(int channel, base::Seconds from, base::BytesPerSecond rate) {
  Record& record = records_[channel];
  CHECK(rate <= record.capacity * (1 + kTolerance), "INV-3: " + names_[channel] + " carries " +
                                                        base::to_text(rate) + " of " +
                                                        base::to_text(record.capacity));
  const base::Seconds passed = from - record.since;
  record.carried += record.rate * passed;
  record.rounding += record.rate * (clock_rounding_ - record.rounded_since);
  if (record.rate.value > 0) record.busy += passed;
  record.since = from;
  record.rounded_since = clock_rounding_;
  record.rate = rate;
  record.steps.append(from, rate);
}

void LinkRecorder::advance_clock(base::Seconds now) { clock_rounding_ += now * kClockRounding; }

void LinkRecorder::finish() const {
  for (std::size_t link = 0; link < records_.size(); ++link) {
    const Record& record = records_[link];
    CHECK(record.rate.value == 0, "a run ends with nothing in flight");
    const base::Bytes allowed = record.put * kTolerance + record.rounding;
    CHECK(std::abs((record.carried - record.put).value) <= allowed.value,
          "INV-2: " + names_[link] + " carried " + base::to_text(record.carried) + " of " +
              base::to_text(record.put));
  }
}

std::vector<LinkUse> LinkRecorder::use() const {
  std::vector<LinkUse> uses;
  for (std::size_t link = 0; link < records_.size(); ++link) {
    const Record& record = records_[channels_[link]];
    if (record.put.value <= 0) continue;
    uses.push_back({static_cast<int>(link), record.carried, record.busy, record.steps.times(),
                    record.steps.rates()});
  }
  return uses;
}

}  // namespace moesim::sim
