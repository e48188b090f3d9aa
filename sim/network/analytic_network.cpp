// SPDX-License-Identifier: Apache-2.0
#include "sim/network/analytic_network.h"

#include <utility>

#include "base/check.h"
#include "sim/network/cut_off.h"
#include "sim/network/longest_time.h"

namespace moesim::sim {

void AnalyticNetwork::after(base::Seconds delay, std::function<void()> done) {
  CHECK(delay.value >= 0, "time does not run backwards");
  events_.push(now_ + delay, events_.next_sequence(), std::move(done));
}

void AnalyticNetwork::start(const Collective& collective,
                            std::function<void(const CollectiveEnd&)> done) {
  const base::Seconds floor =
      or_cut_off([&] { return floors_.of(collective)->floor; }, collective, now_, cause_);
  const base::Seconds end = now_ + floor;
  require_plausible_time(end);
  CollectiveEnd result{end, std::vector<base::Seconds>(collective.ranks.size(), end), floor};
  after(end - now_, [done = std::move(done), result = std::move(result)] { done(result); });
}

void AnalyticNetwork::plan_change(ClusterChange change) {
  const base::Seconds at = change.at;
  auto apply = [this, change = std::move(change)] {
    router_.apply(change.links);
    floors_.forget();
    cause_ = change.cause;
  };
  if (at.value <= 0) {
    apply();
  } else {
    after(at, apply);
  }
}

void AnalyticNetwork::run() {
  while (!events_.empty()) {
    now_ = events_.next_time();
    events_.pop()();
  }
}

}  // namespace moesim::sim
