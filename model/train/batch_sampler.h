// SPDX-License-Identifier: Apache-2.0
// Training batches from a text: windows at random places, each with the bytes that follow.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"

namespace moesim::model {

struct ByteBatch {
  std::vector<std::uint8_t> inputs;   // [sequences * seq_length], sequence after sequence
  std::vector<std::uint8_t> targets;  // the byte after each input
};

// Appends the window that starts at `offset`; the text must hold seq_length + 1 bytes from there.
void append_window(std::span<const std::uint8_t> text, std::size_t offset, int seq_length,
                   ByteBatch& batch);

// `sequences` windows at independent uniform offsets. The text has at least seq_length + 1 bytes.
ByteBatch sample_batch(std::span<const std::uint8_t> text, int sequences, int seq_length,
                       base::Rng& rng);

// At most `most` windows spread evenly over the text, without overlap; at least one.
ByteBatch spread_batch(std::span<const std::uint8_t> text, int most, int seq_length);

}  // namespace moesim::model
