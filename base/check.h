// SPDX-License-Identifier: Apache-2.0
// Our own invariants. A failed CHECK is a bug of ours, never reachable from input; on in Release
// too.
#pragma once

#include <stdexcept>
#include <string>

namespace moesim::base {

// Thrown by CHECK; main reports it as our bug and exits with 70.
class InvariantViolation : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] inline void fail_check(const char* condition, const char* file, int line,
                                    const std::string& why) {
  throw InvariantViolation(std::string(file) + ":" + std::to_string(line) + ": " + condition +
                           " does not hold: " + why);
}

}  // namespace moesim::base

#define CHECK(condition, why) \
  ((condition) ? void(0) : ::moesim::base::fail_check(#condition, __FILE__, __LINE__, (why)))
