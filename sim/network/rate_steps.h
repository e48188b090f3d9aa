// SPDX-License-Identifier: Apache-2.0
// A rate over time as a step function of bounded size.
#pragma once

#include <cstddef>
#include <vector>

#include "base/units.h"

namespace moesim::sim {

class RateSteps {
 public:
  // Records beyond this many steps are halved.
  static constexpr std::size_t kMostSteps = 4096;

  // From `time` on, not before any time given earlier, the rate is `rate`. What is equal to the
  // last rate to 1e-9 (rounding, not sharing) adds no step, and a step of no length leaves no
  // trace. A full record is halved: neighbouring steps become one with their mean rate, so the
  // integral stays and old times grow coarser than new ones.
  void append(base::Seconds time, base::BytesPerSecond rate);

  const std::vector<base::Seconds>& times() const { return times_; }
  const std::vector<base::BytesPerSecond>& rates() const { return rates_; }

 private:
  void halve();

  std::vector<base::Seconds> times_;
  std::vector<base::BytesPerSecond> rates_;
};

}  // namespace moesim::sim
