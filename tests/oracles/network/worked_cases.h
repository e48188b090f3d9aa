// SPDX-License-Identifier: Apache-2.0
// Collectives whose time anyone can work out by hand, and what other simulators say of them.
#pragma once

#include <string>
#include <vector>

#include "sim/collectives/collective.h"
#include "tests/oracles/network/fabrics.h"

namespace moesim::testing {

// GiB/s and MiB as ASTRA-sim reads its "GB/s" and "MB".
inline constexpr double kMebibyte = 1024.0 * 1024;
inline constexpr double kGibibyte = 1024 * kMebibyte;

struct WorkedCase {
  std::string what;
  Fabric fabric;
  sim::Collective collective;
  double expected_s = 0;
  std::string by_hand;  // how expected_s comes about
  std::string others;   // measured by running them; empty where nobody was
};

// The simulators that `others` names, in the versions that were run (August to November 2026).
inline constexpr const char* kOtherVersions =
    "ASTRA-sim 518bd51 with its analytical network 599a047 (congestion-aware and -unaware), SimAI "
    "1369618";

std::vector<WorkedCase> worked_cases();

// An all-to-all of `buffer_bytes` a rank, itself included, among the first `num_ranks`.
sim::Collective all_to_all_of_buffer(int num_ranks, double buffer_bytes);

// Nodes of `per_node` accelerators on one switch, NICs of 50 GiB/s, no latency anywhere.
Fabric nodes_on_one_switch(int num_nodes, int per_node);

}  // namespace moesim::testing
