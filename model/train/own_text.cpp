// SPDX-License-Identifier: Apache-2.0
#include "model/train/own_text.h"

#include "base/data_directory.h"
#include "model/train/text.h"

namespace moesim::model {

std::vector<std::uint8_t> own_text() {
  return read_text(base::data_directory() / "model" / "train" / "own_text.txt", 1);
}

}  // namespace moesim::model
