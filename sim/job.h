// SPDX-License-Identifier: Apache-2.0
// The workloads of a scenario: one on all ranks, or several side by side.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "sim/collectives/participants.h"
#include "sim/scenario.h"

namespace moesim::sim {

struct Job {
  std::string name;
  base::Seconds start;
  Scenario scenario;       // the whole one's cluster and network, the job's own sections
  std::vector<int> ranks;  // of the cluster, ascending: its rank i is ranks[i]
  Sizes sizes;
};

// The scenario's jobs in their order; without any, one named as the scenario on all ranks. Throws
// base::Error at "/jobs/<index>/..." where a job is not one, or names an accelerator that there is
// not or that another has; and what validate_workload throws.
std::vector<Job> jobs_of(const Scenario& scenario);

// The job's expert-parallel groups: group g is its ranks [g * ep, (g + 1) * ep), so that experts
// are shared inside neighbouring nodes.
std::vector<Group> expert_groups(const topologies::Cluster& cluster, const Job& job);

}  // namespace moesim::sim
