// SPDX-License-Identifier: Apache-2.0
// Events in simulated time, in the order (time, sequence): what is registered first happens first.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/units.h"

namespace moesim::sim {

class EventQueue {
 public:
  // A place in the order among events of one time. An event may be pushed long after its sequence
  // number was drawn.
  std::uint64_t next_sequence() { return sequence_++; }

  void push(base::Seconds time, std::uint64_t sequence, std::function<void()> what);

  bool empty() const { return heap_.empty(); }
  base::Seconds next_time() const { return heap_.front().time; }  // not empty

  // Removes the first event and returns what it does.
  std::function<void()> pop();

 private:
  struct Event {
    base::Seconds time;
    std::uint64_t sequence = 0;
    std::function<void()> what;
  };
  static bool later(const Event& a, const Event& b);

  std::vector<Event> heap_;
  std::uint64_t sequence_ = 0;
};

}  // namespace moesim::sim
