// SPDX-License-Identifier: Apache-2.0
// A text that a small model learns quickly.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"

namespace moesim::testing {

// A text of random words: letters are predictable from those before them.
inline std::vector<std::uint8_t> words_text(int words) {
  const std::array<std::string, 6> vocabulary = {"route ", "token ",  "expert ",
                                                 "gate ",  "switch ", "load "};
  base::Rng rng(4, "words");
  std::vector<std::uint8_t> text;
  for (int i = 0; i < words; ++i) {
    const std::string& word = vocabulary[rng.below(vocabulary.size())];
    text.insert(text.end(), word.begin(), word.end());
  }
  return text;
}

}  // namespace moesim::testing
