// SPDX-License-Identifier: Apache-2.0
// What a sweep will cost, from its first point: what `--dry-run` says before anybody waits.
#pragma once

#include <optional>

#include "base/units.h"
#include "experiments/sweep/sweep.h"

namespace moesim::experiments {

struct PointCost {
  base::Seconds wall;
  base::Bytes memory;  // the most that the process had resident
};

// Simulates the first point that can be, on one thread in a process of its own, and writes nothing.
// None when it takes more than `limit`. Throws base::Error where the simulation refuses the point.
std::optional<PointCost> cost_of_first_point(const Sweep& sweep, base::Seconds limit);

}  // namespace moesim::experiments
