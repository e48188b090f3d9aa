// SPDX-License-Identifier: Apache-2.0
#include "sim/network/event_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace moesim::sim {
namespace {

TEST(EventQueue, OrdersByTimeThenBySequence) {
  EventQueue events;
  std::string order;
  const std::uint64_t early_number = events.next_sequence();
  for (const char* name : {"c", "d"}) {
    events.push(base::Seconds(2), events.next_sequence(), [&order, name] { order += name; });
  }
  events.push(base::Seconds(1), events.next_sequence(), [&order] { order += "a"; });
  // Pushed last, but its number was drawn first.
  events.push(base::Seconds(2), early_number, [&order] { order += "b"; });
  EXPECT_EQ(events.next_time().value, 1);
  while (!events.empty()) events.pop()();
  EXPECT_EQ(order, "abcd");
}

}  // namespace
}  // namespace moesim::sim
