// SPDX-License-Identifier: Apache-2.0
// A text cut into what is trained on and what is held out, and batches of windows from it: each a
// run of seq_length bytes, with the byte that follows each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"

namespace moesim::model {

// The held-out part is the last floor(bytes x fraction) of the text.
struct TextParts {
  std::span<const std::uint8_t> training;
  std::span<const std::uint8_t> validation;
};
TextParts cut_text(std::span<const std::uint8_t> text, double validation_fraction);

// The least text whose parts each have a window and its next byte.
std::size_t least_text(int seq_length, double validation_fraction);

struct ByteBatch {
  std::vector<std::uint8_t> inputs;   // [sequences * seq_length], sequence after sequence
  std::vector<std::uint8_t> targets;  // the byte after each input
};

// `count` windows at uniform offsets: the i-th is draw first_draw + i of the field. The text has at
// least seq_length + 1 bytes.
struct WindowDraw {
  const base::RandomField& field;
  std::uint64_t first_draw = 0;
  int count = 1;
};
ByteBatch sample_windows(std::span<const std::uint8_t> text, int seq_length,
                         const WindowDraw& draw);

// At most `most` windows spread evenly over the text, without overlap; at least one.
ByteBatch spread_windows(std::span<const std::uint8_t> text, int most, int seq_length);

}  // namespace moesim::model
