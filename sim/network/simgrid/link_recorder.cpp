// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/link_recorder.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"

namespace moesim::sim {
namespace {

// What SimGrid exceeds a capacity by is rounding (1e-15 in all-to-alls of 64 to 1,024 ranks); its
// real overload, network/optim:Lazy, is 100 %.
constexpr double kTolerance = 1e-6;

}  // namespace

void LinkRecorder::watch(const topologies::Cluster& cluster, std::vector<int> channels,
                         std::vector<const simgrid::s4u::Link*> links) {
  cluster_ = &cluster;
  channels_ = std::move(channels);
  links_ = std::move(links);
  records_.resize(links_.size());
}

void LinkRecorder::start(std::span<const topologies::LinkLoad> loads) {
  changed_ = true;
  for (const topologies::LinkLoad& load : loads) {
    Record& record = records_[load.link];
    record.put += load.bytes;
    ++record.activities;
    if (!record.active) active_.push_back(load.link);
    record.active = true;
  }
}

void LinkRecorder::end(std::span<const topologies::LinkLoad> loads) {
  changed_ = true;
  for (const topologies::LinkLoad& load : loads) --records_[load.link].activities;
}

void LinkRecorder::advance(base::Seconds from, base::Seconds delta, bool rates_may_differ) {
  if (changed_ || rates_may_differ) {
    settle();
    read_rates(from);
    changed_ = false;
  }
  since_reading_ += delta;
}

// Books the time that passed with the rates in the records.
void LinkRecorder::settle() {
  for (const int link : active_) {
    Record& record = records_[link];
    record.carried += record.rate * since_reading_;
    if (record.rate.value > 0) record.busy += since_reading_;
  }
  since_reading_ = base::Seconds(0);
}

void LinkRecorder::read_rates(base::Seconds from) {
  std::size_t kept = 0;
  for (const int link : active_) {
    Record& record = records_[link];
    const base::BytesPerSecond capacity = cluster_->links[link].bandwidth;
    record.rate = base::BytesPerSecond(record.activities > 0 ? links_[link]->get_usage() : 0.0);
    CHECK(record.rate <= capacity * (1 + kTolerance), "INV-3: " + cluster_->links[link].name +
                                                          " carries " + base::to_text(record.rate) +
                                                          " of " + base::to_text(capacity));
    record.steps.append(from, record.rate);
    record.active = record.activities > 0;
    if (record.active) active_[kept++] = link;
  }
  active_.resize(kept);
}

void LinkRecorder::finish(base::Seconds now) {
  settle();
  read_rates(now);
  changed_ = false;
  CHECK(active_.empty(), "a run ends with nothing in flight");
  for (std::size_t link = 0; link < records_.size(); ++link) {
    const Record& record = records_[link];
    CHECK(std::abs((record.carried - record.put).value) <= kTolerance * record.put.value,
          "INV-2: " + cluster_->links[link].name + " carried " + base::to_text(record.carried) +
              " of " + base::to_text(record.put));
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
