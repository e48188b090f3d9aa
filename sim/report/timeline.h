// SPDX-License-Identifier: Apache-2.0
// What happened when: the outcome of executing a StepGraph.
#pragma once

#include <vector>

#include "base/units.h"
#include "sim/network/network.h"

namespace moesim::sim {

struct OpTimes {
  base::Seconds start;  // a collective starts when its last participant arrives
  base::Seconds end;
};

struct Timeline {
  base::Seconds end;         // of the last operation
  std::vector<OpTimes> ops;  // by StepGraph::ops index
  // By StepGraph::collectives index, then by position in Collective::ranks: when the rank's own
  // traffic was done (at most the collective's end).
  std::vector<std::vector<base::Seconds>> rank_end;
  std::vector<LinkUse> links;
};

}  // namespace moesim::sim
