// SPDX-License-Identifier: Apache-2.0
#include "sim/network/event_queue.h"

#include <algorithm>
#include <utility>

namespace moesim::sim {

bool EventQueue::later(const Event& a, const Event& b) {
  return a.time != b.time ? a.time > b.time : a.sequence > b.sequence;
}

void EventQueue::push(base::Seconds time, std::uint64_t sequence, std::function<void()> what) {
  heap_.push_back({time, sequence, std::move(what)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

std::function<void()> EventQueue::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), later);
  std::function<void()> what = std::move(heap_.back().what);
  heap_.pop_back();
  return what;
}

}  // namespace moesim::sim
