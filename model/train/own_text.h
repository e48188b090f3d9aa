// SPDX-License-Identifier: Apache-2.0
// The text that is trained on where none is named.
#pragma once

#include <cstdint>
#include <vector>

namespace moesim::model {

// The program's own text, 0.6 MB: documents and headers of the program as they once were, kept so
// that what is trained on them stays the same while the program changes. Throws base::Error when
// the data directory is not to be found.
std::vector<std::uint8_t> own_text();

}  // namespace moesim::model
