// SPDX-License-Identifier: Apache-2.0
#include "topologies/config_checks.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace moesim::topologies {

void require(bool holds, const std::string& where, const std::string& what,
             const std::string& hint) {
  if (!holds) throw base::Error(where, what, hint);
}

void require_bandwidth(base::BytesPerSecond bandwidth, const std::string& where) {
  require(std::isfinite(bandwidth.value) && bandwidth.value > 0, where,
          "a link needs a bandwidth above 0", "give the rate of one direction, as \"50 GB/s\"");
}

void require_latency(base::Seconds latency, const std::string& where) {
  require(std::isfinite(latency.value) && latency.value >= 0, where, "a latency is at least 0",
          "give it as \"2 us\"");
}

std::string nearest_of(const std::vector<int>& sizes, int wanted) {
  const auto above = std::lower_bound(sizes.begin(), sizes.end(), wanted);
  if (above == sizes.end()) return std::to_string(sizes.back());
  if (above == sizes.begin() || *above == wanted) return std::to_string(*above);
  return std::to_string(*(above - 1)) + " or " + std::to_string(*above);
}

std::int64_t bounded_product(const std::vector<int>& factors, std::int64_t limit) {
  std::int64_t product = 1;
  for (const int factor : factors) {
    if (factor < 1) return 0;
    if (product > limit / factor) return limit + 1;
    product *= factor;
  }
  return product;
}

}  // namespace moesim::topologies
