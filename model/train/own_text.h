// SPDX-License-Identifier: Apache-2.0
// The text that is trained on where none is named.
#pragma once

#include <cstdint>
#include <vector>

namespace moesim::model {

// The program's own documents and sources, the same in a checkout and where it is installed. Left
// out: the experiments, where people put their own files, and the README, which shows a run. Throws
// base::Error when the data directory is not to be found.
std::vector<std::uint8_t> own_text();

}  // namespace moesim::model
