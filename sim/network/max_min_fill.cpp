// SPDX-License-Identifier: Apache-2.0
#include "sim/network/max_min_fill.h"

#include <algorithm>
#include <functional>

namespace moesim::sim {
namespace {

constexpr double kRising = -1;

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
      users_of_[next[link]++] = {static_cast<int>(p), fluid.weights[i]};
      all_users_[link] += fluid.weights[i];
    }
  }
}

void MaxMinFill::fill(const std::vector<double>& caps, std::vector<double>& rates) {
  const std::size_t num_links = fluid_.capacities.size();
  rates.assign(fluid_.links_of.size(), kRising);
  room_ = fluid_.capacities;
  users_ = all_users_;
  rising_.resize(num_links);
  heap_.clear();
  for (std::size_t l = 0; l < num_links; ++l) {
    rising_[l] = first_user_[l + 1] - first_user_[l];
    if (rising_[l] > 0) heap_.emplace_back(share(static_cast<int>(l)), static_cast<int>(l));
  }
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  while (!heap_.empty()) {
    const auto [level, link] = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
    if (!has_users(link)) continue;
    // A link's share only grows as parcels that others hold back leave it, so that an old one is
    // a lower bound and is looked at early enough.
    if (share(link) > level || freeze_capped(link, level, caps, rates)) {
      push(link);
      continue;
    }
    for (const User& user : users_of(link)) {
      if (rates[user.parcel] == kRising) freeze(user.parcel, level, rates);
    }
  }
}

void MaxMinFill::push(int link) {
  if (!has_users(link)) return;
  heap_.emplace_back(share(link), link);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

// Every share is at least `level`, so a parcel with a lower cap ends its rise there. Says whether
// there was one on `link`.
bool MaxMinFill::freeze_capped(int link, double level, const std::vector<double>& caps,
                               std::vector<double>& rates) {
  bool any = false;
  for (const User& user : users_of(link)) {
    if (rates[user.parcel] != kRising || caps[user.parcel] >= level) continue;
    freeze(user.parcel, caps[user.parcel], rates);
    any = true;
  }
  return any;
}

void MaxMinFill::freeze(int parcel, double rate, std::vector<double>& rates) {
  rates[parcel] = rate;
  for (int i = fluid_.links_of.first[parcel]; i < fluid_.links_of.first[parcel + 1]; ++i) {
    const int link = fluid_.links_of.items[i];
    room_[link] -= rate * fluid_.weights[i];
    users_[link] -= fluid_.weights[i];
    --rising_[link];
  }
}

}  // namespace moesim::sim
