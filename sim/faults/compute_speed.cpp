// SPDX-License-Identifier: Apache-2.0
#include "sim/faults/compute_speed.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace moesim::sim {

void ComputeSpeed::slow(int rank, base::Seconds from, base::Seconds until, double factor) {
  CHECK(from < until && factor > 0 && factor <= 1, "validated with the faults");
  slowdowns_[rank].push_back({from, until, factor});
}

base::Seconds ComputeSpeed::duration(int rank, base::Seconds start, base::Seconds work) const {
  const auto found = slowdowns_.find(rank);
  if (found == slowdowns_.end()) return work;
  base::Seconds now = start;
  while (true) {
    double speed = 1;
    base::Seconds change(std::numeric_limits<double>::infinity());
    for (const Slowdown& slowdown : found->second) {
      if (slowdown.until <= now) continue;
      const bool begun = slowdown.from <= now;
      if (begun) speed *= slowdown.factor;
      change = std::min(change, begun ? slowdown.until : slowdown.from);
    }
    const base::Seconds end = now + work / speed;
    if (end <= change) return end - start;
    work = std::max(work - (change - now) * speed, base::Seconds(0));  // it rounds
    now = change;
  }
}

}  // namespace moesim::sim
