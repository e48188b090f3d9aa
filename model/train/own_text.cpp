// SPDX-License-Identifier: Apache-2.0
#include "model/train/own_text.h"

#include <array>

#include "base/data_directory.h"
#include "model/train/text.h"

namespace moesim::model {
namespace {

constexpr std::array<const char*, 6> kParts = {"base", "cli", "docs", "model", "sim", "topologies"};

}  // namespace

std::vector<std::uint8_t> own_text() {
  std::vector<std::uint8_t> text;
  for (const char* part : kParts) {
    const std::vector<std::uint8_t> bytes = read_text(base::data_directory() / part, 1);
    text.insert(text.end(), bytes.begin(), bytes.end());
  }
  return text;
}

}  // namespace moesim::model
