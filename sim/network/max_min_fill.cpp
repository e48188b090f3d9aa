// SPDX-License-Identifier: Apache-2.0
#include "sim/network/max_min_fill.h"

#include <algorithm>
#include <functional>

namespace moesim::sim {
namespace {

constexpr double kRising = -1;

}  // namespace

MaxMinFill::MaxMinFill(const IntLists& links_of, const std::vector<double>& capacities)
    : links_of_(links_of), capacities_(capacities) {
  messages_of_.first.assign(capacities.size() + 1, 0);
  for (const int link : links_of.items) ++messages_of_.first[link + 1];
  for (std::size_t l = 0; l < capacities.size(); ++l) {
    messages_of_.first[l + 1] += messages_of_.first[l];
  }
  messages_of_.items.resize(links_of.items.size());
  std::vector<int> next = messages_of_.first;
  for (std::size_t m = 0; m < links_of.size(); ++m) {
    for (const int link : links_of.list(m)) {
      messages_of_.items[next[link]++] = static_cast<int>(m);
    }
  }
}

void MaxMinFill::fill(const std::vector<double>& caps, std::vector<double>& rates) {
  rates.assign(links_of_.size(), kRising);
  room_ = capacities_;
  users_.resize(capacities_.size());
  heap_.clear();
  for (std::size_t l = 0; l < capacities_.size(); ++l) {
    users_[l] = messages_of_.first[l + 1] - messages_of_.first[l];
    if (users_[l] > 0) heap_.emplace_back(share(static_cast<int>(l)), static_cast<int>(l));
  }
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  while (!heap_.empty()) {
    const auto [level, link] = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
    if (users_[link] == 0) continue;
    // A link's share only grows as messages that others hold back leave it, so that an old one is
    // a lower bound and is looked at early enough.
    if (share(link) > level || freeze_capped(link, level, caps, rates)) {
      push(link);
      continue;
    }
    for (const int message : messages_of_.list(link)) {
      if (rates[message] == kRising) freeze(message, level, rates);
    }
  }
}

void MaxMinFill::push(int link) {
  if (users_[link] == 0) return;
  heap_.emplace_back(share(link), link);
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

// Every share is at least `level`, so a message with a lower cap ends its rise there. Says whether
// there was one on `link`.
bool MaxMinFill::freeze_capped(int link, double level, const std::vector<double>& caps,
                               std::vector<double>& rates) {
  bool any = false;
  for (const int message : messages_of_.list(link)) {
    if (rates[message] != kRising || caps[message] >= level) continue;
    freeze(message, caps[message], rates);
    any = true;
  }
  return any;
}

void MaxMinFill::freeze(int message, double rate, std::vector<double>& rates) {
  rates[message] = rate;
  for (const int link : links_of_.list(message)) {
    room_[link] -= rate;
    --users_[link];
  }
}

}  // namespace moesim::sim
