// SPDX-License-Identifier: Apache-2.0
#include "model/balance/load_statistics.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace moesim::model {

LoadStatistics load_statistics(std::span<const std::int64_t> loads) {
  std::vector<double> sorted(loads.begin(), loads.end());
  std::sort(sorted.begin(), sorted.end());
  const auto n = static_cast<double>(sorted.size());
  double total = 0;
  double weighted = 0;  // sum of rank (from 1) times load
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    total += sorted[i];
    weighted += static_cast<double>(i + 1) * sorted[i];
  }
  LoadStatistics statistics;
  if (total == 0) return statistics;
  const double mean = total / n;
  double variance = 0;
  double entropy = 0;
  for (const double load : sorted) {
    variance += (load - mean) * (load - mean) / n;
    if (load > 0) entropy -= load / total * std::log(load / total);
  }
  statistics.max_over_mean = sorted.back() / mean;
  statistics.cv = std::sqrt(variance) / mean;
  statistics.gini = 2.0 * weighted / (n * total) - (n + 1.0) / n;
  statistics.entropy = sorted.size() < 2 ? 1.0 : entropy / std::log(n);
  statistics.balancedness = mean / sorted.back();
  return statistics;
}

LoadStatistics mean_of(std::span<const LoadStatistics> each) {
  CHECK(!each.empty(), "there is a layer to average over");
  LoadStatistics mean{0, 0, 0, 0, 0};
  for (const LoadStatistics& one : each) {
    mean.max_over_mean += one.max_over_mean;
    mean.cv += one.cv;
    mean.gini += one.gini;
    mean.entropy += one.entropy;
    mean.balancedness += one.balancedness;
  }
  const auto n = static_cast<double>(each.size());
  return {mean.max_over_mean / n, mean.cv / n, mean.gini / n, mean.entropy / n,
          mean.balancedness / n};
}

void describe(base::FieldTable& table, LoadStatistics& load) {
  table.title("load_statistics", "How evenly a load is spread.");
  table.field("max_over_mean", load.max_over_mean, "Largest load / mean load; 1 = even.");
  table.field("cv", load.cv, "Coefficient of variation: standard deviation / mean.");
  table.field("gini", load.gini, "Gini coefficient; 0 = even.");
  table.field("entropy", load.entropy, "Entropy / log(n); 1 = even.");
  table.field("balancedness", load.balancedness, "Mean load / largest load; 1 = even.");
}

}  // namespace moesim::model
