// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace moesim::cli {

// The command line as a shell takes it back.
std::string quoted(const std::vector<std::string>& arguments);

}  // namespace moesim::cli
