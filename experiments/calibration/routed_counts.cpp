// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/routed_counts.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "base/error.h"

namespace moesim::experiments {
namespace {

constexpr const char* kPowerLaw = "power_law_";

// Token t's i-th expert is t + i * stride, in the round of all experts; where there are fewer
// tokens than `stride`, they are spread over it.
std::vector<int> balanced_counts(std::int64_t tokens, std::int64_t experts, std::int64_t top_k) {
  const std::int64_t stride = (experts + top_k - 1) / top_k;
  // As many tokens as experts give each the same; those beyond whole rounds are counted.
  const std::int64_t rounds = tokens >= stride ? tokens / experts : 0;
  std::vector<int> counts(static_cast<std::size_t>(experts), static_cast<int>(rounds * top_k));
  for (std::int64_t token = rounds * experts; token < tokens; ++token) {
    const std::int64_t first = tokens >= stride ? token : token * stride / tokens;
    for (std::int64_t slot = 0; slot < top_k; ++slot) {
      ++counts[static_cast<std::size_t>((first + slot * stride) % experts)];
    }
  }
  return counts;
}

// The i-th of `count` numbers between `low` and `high` with density x^-exponent.
double quantile(std::size_t i, std::size_t count, double exponent, double low, double high) {
  const double u = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
  const double power = 1 - exponent;
  const double from = std::pow(low, power);
  return std::pow((std::pow(high, power) - from) * u + from, 1 / power);
}

// What giving `missing` rows to the first of the emptiest, one at a time, comes to: all below a
// level are raised to it, and the first at it get one more each.
void raise_emptiest(std::vector<int>& counts, std::int64_t missing) {
  const auto rows_up_to = [&](std::int64_t level) {
    std::int64_t rows = 0;
    for (const int count : counts) rows += std::max<std::int64_t>(level - count, 0);
    return rows;
  };
  std::int64_t level = *std::min_element(counts.begin(), counts.end());
  std::int64_t above = level + missing + 1;
  while (level + 1 < above) {
    const std::int64_t middle = std::midpoint(level, above);
    (rows_up_to(middle) <= missing ? level : above) = middle;
  }
  missing -= rows_up_to(level);
  for (int& count : counts) {
    count = std::max(count, static_cast<int>(level));
    if (missing > 0 && count == level) {
      ++count;
      --missing;
    }
  }
}

// Rounds the shares, none above `tokens`, then gives what is missing to the emptiest, or takes what
// is too much from the fullest, one row at a time.
std::vector<int> whole_counts(const std::vector<double>& shares, int tokens, std::int64_t pairs) {
  std::vector<int> counts;
  std::int64_t missing = pairs;
  for (const double share : shares) {
    counts.push_back(std::min(tokens, static_cast<int>(std::nearbyint(share))));
    missing -= counts.back();
  }
  if (missing > 0) raise_emptiest(counts, missing);
  for (; missing < 0; ++missing) --*std::max_element(counts.begin(), counts.end());
  return counts;
}

std::vector<int> power_law_counts(double exponent, int tokens, int experts, int top_k) {
  const std::int64_t pairs = std::int64_t{tokens} * top_k;
  const bool many = pairs > experts;
  const double low = many ? 1 : 0.01;
  const double high = many ? std::max(0.8 * tokens, 1.0 + 1e-7) : 2;
  std::vector<double> shares;
  double sum = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(experts); ++i) {
    shares.push_back(quantile(i, static_cast<std::size_t>(experts), exponent, low, high));
    sum += shares.back();
  }
  for (double& share : shares) share *= static_cast<double>(pairs) / sum;
  return whole_counts(shares, tokens, pairs);
}

// 0: balanced.
double exponent_of(const std::string& distribution, const std::string& where) {
  if (distribution == "balanced") return 0;
  double exponent = 0;
  const std::string prefix = kPowerLaw;
  if (distribution.starts_with(prefix)) {
    const char* begin = distribution.data() + prefix.size();
    const char* end = distribution.data() + distribution.size();
    const auto [stop, error] = std::from_chars(begin, end, exponent);
    if (error == std::errc{} && stop == end && exponent > 0 && exponent <= 10 && exponent != 1) {
      return exponent;
    }
  }
  throw base::Error(where, "there is no distribution \"" + distribution + "\"",
                    "use balanced, or power_law_1.2 (an exponent above 0, at most 10, and not 1)");
}

}  // namespace

void require_distribution(const std::string& distribution, const std::string& where) {
  exponent_of(distribution, where);
}

std::vector<int> routed_counts(const std::string& distribution, int tokens, int experts, int top_k,
                               const std::string& where) {
  const double exponent = exponent_of(distribution, where);
  if (exponent == 0) return balanced_counts(tokens, experts, top_k);
  return power_law_counts(exponent, tokens, experts, top_k);
}

}  // namespace moesim::experiments
