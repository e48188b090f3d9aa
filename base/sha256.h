// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4), for the content hashes of manifests and the ids of sweep points.
#pragma once

#include <string>
#include <string_view>

namespace moesim::base {

// The hash of the bytes as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace moesim::base
