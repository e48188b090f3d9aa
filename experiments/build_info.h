// SPDX-License-Identifier: Apache-2.0
// What this binary was built from; for manifests and point ids.
#pragma once

#include <map>
#include <string>

namespace moesim::experiments {

// "0.1.0"
std::string build_version();

// The git commit at configuration time, with "+changes" when the tree had uncommitted ones;
// "unknown" outside a checkout.
std::string build_commit();

// Name -> version of the compiler and of the libraries that decide results.
std::map<std::string, std::string> component_versions();

}  // namespace moesim::experiments
