// SPDX-License-Identifier: Apache-2.0
// How far `collective` is from `flow`, over fabrics and traffic.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tests/oracles/network/fabrics.h"
#include "tests/oracles/network/traffic.h"

namespace moesim::testing {

struct Agreement {
  std::string fabric;
  Traffic traffic = Traffic::uniform;
  int num_ranks = 0;
  double collective_s = 0;
  double flow_s = 0;

  // Signed, of the flow's time.
  double difference() const { return collective_s / flow_s - 1; }
};

// The fabric at so many ranks under the traffic. 1 MB a pair on average.
Agreement agreement_of(const Fabric& fabric, Traffic traffic, int num_ranks);

// Whether `flow` takes seconds for it, not minutes: it has a flow for each way of each message, and
// works out all rates again whenever one ends.
bool is_quick(const Fabric& fabric, int num_ranks);

struct Spread {
  double median = 0;  // of the differences' sizes
  double worst = 0;
};

// At least one agreement. Of an even number the upper of the two in the middle.
Spread spread_of(std::span<const Agreement> agreements);

}  // namespace moesim::testing
