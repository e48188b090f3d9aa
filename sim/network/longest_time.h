// SPDX-License-Identifier: Apache-2.0
// How far simulated time may go.
#pragma once

#include "base/units.h"

namespace moesim::sim {

// About 30 years. What takes longer comes from quantities that no machine has; at such times a
// double no longer tells apart when short messages begin and end, and a trace's whole nanoseconds
// come near what 64 bits hold.
inline constexpr base::Seconds kLongestTime(1e9);

// Throws base::Error when simulated time would reach `time`, beyond kLongestTime.
void require_plausible_time(base::Seconds time);

}  // namespace moesim::sim
