// SPDX-License-Identifier: Apache-2.0
// A number worked out in a process of its own: SimGrid has one engine per process.
#pragma once

#include <functional>

namespace moesim::experiments {

// Calls `work` in a forked child and returns its number. What `work` throws is thrown here: a
// base::Error as it is, anything else, and the child's death, as std::runtime_error.
double in_child_process(const std::function<double()>& work);

}  // namespace moesim::experiments
