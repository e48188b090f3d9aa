// SPDX-License-Identifier: Apache-2.0
// How fast each accelerator computes over time: 1 unless something slows it down.
#pragma once

#include <map>
#include <vector>

#include "base/units.h"

namespace moesim::sim {

class ComputeSpeed {
 public:
  // From `from` up to `until` (infinity: for good) the rank computes at `factor` of its speed, in
  // (0, 1]. Where several overlap, their factors multiply.
  void slow(int rank, base::Seconds from, base::Seconds until, double factor);

  // How long the rank needs from `start` on for what takes `work` at full speed.
  base::Seconds duration(int rank, base::Seconds start, base::Seconds work) const;

 private:
  struct Slowdown {
    base::Seconds from;
    base::Seconds until;
    double factor = 1;
  };

  std::map<int, std::vector<Slowdown>> slowdowns_;  // by rank
};

}  // namespace moesim::sim
