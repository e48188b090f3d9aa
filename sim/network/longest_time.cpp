// SPDX-License-Identifier: Apache-2.0
#include "sim/network/longest_time.h"

#include <fmt/format.h>

#include "base/error.h"

namespace moesim::sim {

void require_plausible_time(base::Seconds time) {
  if (time <= kLongestTime) return;  // nor is what is no number
  throw base::Error("/cluster",
                    fmt::format("simulated time would reach {:.3g} s, and {:.0g} s is the most",
                                time.value, kLongestTime.value),
                    "a latency, bandwidth, size, start or fault is far from any machine's");
}

}  // namespace moesim::sim
