// SPDX-License-Identifier: Apache-2.0
// Points that a sweep leaves out, and why:
//   "exclude": [{"where": {"a.b": 1, "c.d": {"above": 2}}, "reason": "does not fit"}]
// A condition is a value, {"any_of": [values]}, or bounds of a number: above, at_least, below,
// at_most. All of them hold of a point that is left out.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json_value.h"

namespace moesim::experiments {

class Exclusions {
 public:
  // Throws base::Error where the section's "exclude" is malformed, gives no reason, or names a key
  // that no axis sets. `sweep` may be null.
  Exclusions(const base::JsonValue* sweep, const std::vector<std::string>& swept_keys);

  // Why the point is left out; "" when it is not.
  std::string reason(const std::map<std::string, base::JsonValue>& swept) const;

 private:
  struct Exclusion {
    std::vector<std::pair<std::string, base::JsonValue>> where;  // key, condition
    std::string reason;
  };
  std::vector<Exclusion> exclusions_;
};

}  // namespace moesim::experiments
