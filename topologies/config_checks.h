// SPDX-License-Identifier: Apache-2.0
// Checks that the parts of a cluster's description share. Each throws base::Error at the JSON
// pointer it is given.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"

namespace moesim::topologies {

void require(bool holds, const std::string& where, const std::string& what,
             const std::string& hint);

// Finite and above 0.
void require_bandwidth(base::BytesPerSecond bandwidth, const std::string& where);

// Finite and at least 0.
void require_latency(base::Seconds latency, const std::string& where);

// "3 or 4" of those nearest to `wanted` below and above, one where only one side has any.
// `sizes` is ascending and not empty.
std::string nearest_of(const std::vector<int>& sizes, int wanted);

// The product, or `limit` + 1 when it is above `limit`. Factors below 1 give 0.
std::int64_t bounded_product(const std::vector<int>& factors, std::int64_t limit);

}  // namespace moesim::topologies
