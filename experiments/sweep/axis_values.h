// SPDX-License-Identifier: Apache-2.0
// The values of one swept key, as a list or as a rule that makes one.
//
//   [1, 2, null]                            these
//   {"range": [0, 4]}, {"range": [0, 8, 2]} 0 1 2 3 4; 0 2 4 6 8: both ends count
//   {"linear": [1, 2, 5]}                   5 values from 1 to 2 in equal steps
//   {"geometric": ["1 GB/s", "8 GB/s", 4]}  4 values in equal ratios; quantities keep their unit
//   {"uniform": [1, 2]}                     for samples: any number between
//   {"log_uniform": [1, 64]}                for samples: its logarithm is uniform
//
// With "round": true beside a rule, values are rounded to integers, each taken once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json_value.h"

namespace moesim::experiments {

struct AxisValues {
  std::vector<base::JsonValue> values;  // none where `quantile` says them
  // The value below which a share u in [0, 1) of draws lies; empty for lists.
  std::function<base::JsonValue(double u)> quantile;
};

// `where` is the place and pointer of `rule`, for errors: throws base::Error where it is neither a
// list of at least one value nor such a rule, or makes more than 100,000 values.
AxisValues axis_values(const base::JsonValue& rule, const std::string& where);

}  // namespace moesim::experiments
