// SPDX-License-Identifier: Apache-2.0
#include "sim/network/rate_steps.h"

#include <cmath>

namespace moesim::sim {
namespace {

constexpr double kSameRate = 1e-9;

}  // namespace

void RateSteps::append(base::Seconds time, base::BytesPerSecond rate) {
  const double last = rates_.empty() ? 0.0 : rates_.back().value;
  if (std::abs(rate.value - last) <= kSameRate * last) return;
  if (!times_.empty() && times_.back() == time) {
    rates_.back() = rate;
    return;
  }
  if (times_.size() >= kMostSteps) halve();
  times_.push_back(time);
  rates_.push_back(rate);
}

void RateSteps::halve() {
  std::size_t kept = 0;
  std::size_t i = 0;
  for (; i + 2 < times_.size(); i += 2) {
    const base::Bytes bytes =
        rates_[i] * (times_[i + 1] - times_[i]) + rates_[i + 1] * (times_[i + 2] - times_[i + 1]);
    rates_[kept] = bytes / (times_[i + 2] - times_[i]);
    times_[kept++] = times_[i];
  }
  // The last step has no end yet, and the one before it may be left without a partner.
  for (; i < times_.size(); ++i) {
    rates_[kept] = rates_[i];
    times_[kept++] = times_[i];
  }
  times_.resize(kept);
  rates_.resize(kept);
}

}  // namespace moesim::sim
