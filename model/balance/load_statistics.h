// SPDX-License-Identifier: Apache-2.0
// How evenly a load is spread over experts or ranks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/json_reader.h"

namespace moesim::model {

struct LoadStatistics {
  double max_over_mean = 1;  // 1 = even
  double cv = 0;             // standard deviation (of the population) / mean
  double gini = 0;           // 0 = even, towards 1 = one has all
  double entropy = 1;        // -sum p log p / log n: 1 = even, 0 = one has all
  double balancedness = 1;   // mean / max

  bool operator==(const LoadStatistics&) const = default;
};

// Of non-negative loads; all zero (or none) counts as even.
LoadStatistics load_statistics(std::span<const std::int64_t> loads);

// Means of each figure, for an average over layers; `each` is not empty.
LoadStatistics mean_of(std::span<const LoadStatistics> each);

void describe(base::FieldTable& table, LoadStatistics& load);

}  // namespace moesim::model
