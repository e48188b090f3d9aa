// SPDX-License-Identifier: Apache-2.0
// What each rank of an executed step spends its time on, and what it waits for when it does
// nothing.
#pragma once

#include <vector>

#include "sim/report/timeline.h"
#include "sim/step/step_graph.h"

namespace moesim::sim {

// From the step's start to its end; the members sum to that.
struct RankDay {
  int rank = 0;
  base::Seconds computing;            // its own operations at full speed
  base::Seconds slowed_by_faults;     // what faults add to them
  base::Seconds communicating;        // in collectives, until its own traffic is done
  base::Seconds waiting_for_compute;  // idle while another rank computes, at full speed
  base::Seconds waiting_for_faults;   // what faults add to that
  base::Seconds waiting_for_network;  // idle while others' traffic moves

  base::Seconds idle() const {
    return waiting_for_compute + waiting_for_faults + waiting_for_network;
  }
};

struct Waiting {
  std::vector<RankDay> days;  // by StepGraph::ranks
  // By StepGraph::ranks: how long a mean rank idles while this one computes.
  std::vector<base::Seconds> waited_for;
};

// What a rank waits for in a gap is what the chain of latest predecessors of its next operation
// does meanwhile, the rule of the critical path; after its last operation, what the critical path
// does. Links that faults slow down or take away count as network.
Waiting waiting_of(const StepGraph& graph, const Timeline& timeline);

}  // namespace moesim::sim
