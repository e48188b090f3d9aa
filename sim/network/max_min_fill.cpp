// SPDX-License-Identifier: Apache-2.0
#include "sim/network/max_min_fill.h"

#include <algorithm>
#include <limits>

namespace moesim::sim {
namespace {

constexpr double kRising = -1;
constexpr double kNoCap = std::numeric_limits<double>::infinity();

}  // namespace

MaxMinFill::MaxMinFill(const Fluid& fluid)
    : fluid_(fluid),
      first_user_(fluid.capacities.size() + 1, 0),
      users_of_(fluid.links_of.items.size()),
      all_users_(fluid.capacities.size(), 0.0) {
  for (const int link : fluid.links_of.items) ++first_user_[link + 1];
  for (std::size_t l = 0; l < fluid.capacities.size(); ++l) first_user_[l + 1] += first_user_[l];
  std::vector<int> next = first_user_;
  for (std::size_t p = 0; p < fluid.links_of.size(); ++p) {
    for (int i = fluid.links_of.first[p]; i < fluid.links_of.first[p + 1]; ++i) {
      const int link = fluid.links_of.items[i];
      users_of_[next[link]++] = static_cast<int>(p);
      all_users_[link] += fluid.weights[i];
    }
  }
}

void MaxMinFill::fill(const std::vector<double>& caps, std::vector<double>& rates) {
  const std::size_t num_links = fluid_.capacities.size();
  rates.assign(fluid_.links_of.size(), kRising);
  caps_ = caps;
  room_ = fluid_.capacities;
  users_ = all_users_;
  rising_.resize(num_links);
  heap_.clear();
  for (std::size_t l = 0; l < num_links; ++l) {
    rising_[l] = first_user_[l + 1] - first_user_[l];
    if (rising_[l] > 0) heap_.push_back({share(static_cast<int>(l)), static_cast<int>(l)});
  }
  std::make_heap(heap_.begin(), heap_.end(),
                 [](const Entry& a, const Entry& b) { return a.share > b.share; });
  while (!heap_.empty()) {
    const auto [level, link] = heap_.front();
    // A link's share only grows as parcels that others hold back leave it, so that an old one is
    // a lower bound and is looked at early enough.
    if (has_users(link) && share(link) <= level && !freeze_capped(link, level, rates)) {
      for (const int parcel : users_of(link)) {
        if (rates[parcel] == kRising) freeze(parcel, level, rates);
      }
    }
    if (has_users(link)) {
      sink({share(link), link});
    } else {
      const Entry last = heap_.back();
      heap_.pop_back();
      if (!heap_.empty()) sink(last);
    }
  }
}

// Puts the entry in the place of the first, or below it where others are less.
void MaxMinFill::sink(Entry entry) {
  const std::size_t count = heap_.size();
  std::size_t at = 0;
  for (std::size_t below = 1; below < count; below = 2 * at + 1) {
    if (below + 1 < count) below += heap_[below + 1].share < heap_[below].share ? 1 : 0;
    if (entry.share <= heap_[below].share) break;
    heap_[at] = heap_[below];
    at = below;
  }
  heap_[at] = entry;
}

// Every share is at least `level`, so a parcel with a lower cap ends its rise there. Says whether
// there was one on `link`.
bool MaxMinFill::freeze_capped(int link, double level, std::vector<double>& rates) {
  bool any = false;
  for (const int parcel : users_of(link)) {
    if (caps_[parcel] >= level) continue;
    freeze(parcel, caps_[parcel], rates);
    any = true;
  }
  return any;
}

void MaxMinFill::freeze(int parcel, double rate, std::vector<double>& rates) {
  rates[parcel] = rate;
  caps_[parcel] = kNoCap;
  for (int i = fluid_.links_of.first[parcel]; i < fluid_.links_of.first[parcel + 1]; ++i) {
    const int link = fluid_.links_of.items[i];
    room_[link] -= rate * fluid_.weights[i];
    users_[link] -= fluid_.weights[i];
    --rising_[link];
  }
}

}  // namespace moesim::sim
