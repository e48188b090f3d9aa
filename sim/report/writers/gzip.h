// SPDX-License-Identifier: Apache-2.0
// Gzip files that depend on nothing but their content.
#pragma once

#include <string>
#include <string_view>

namespace moesim::sim {

// One gzip member (RFC 1952) at level 6 with time 0, no name and operating system "unknown", so the
// same content gives the same bytes whenever and wherever the same zlib runs.
std::string gzip(std::string_view content);

}  // namespace moesim::sim
