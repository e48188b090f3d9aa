// SPDX-License-Identifier: Apache-2.0
#include "model/train/text_parts.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace moesim::model {
namespace {

void append_window(std::span<const std::uint8_t> text, std::size_t offset, int seq_length,
                   ByteBatch& batch) {
  CHECK(offset + seq_length < text.size(), "a window and the byte after it lie inside the text");
  const auto first = text.begin() + static_cast<std::ptrdiff_t>(offset);
  batch.inputs.insert(batch.inputs.end(), first, first + seq_length);
  batch.targets.insert(batch.targets.end(), first + 1, first + seq_length + 1);
}

std::size_t held_out_bytes(std::size_t bytes, double validation_fraction) {
  return static_cast<std::size_t>(std::floor(static_cast<double>(bytes) * validation_fraction));
}

}  // namespace

TextParts cut_text(std::span<const std::uint8_t> text, double validation_fraction) {
  const std::size_t held_out = held_out_bytes(text.size(), validation_fraction);
  return {text.first(text.size() - held_out), text.last(held_out)};
}

std::size_t least_text(int seq_length, double validation_fraction) {
  const auto window = static_cast<std::size_t>(seq_length) + 1;
  const double smaller = std::min(validation_fraction, 1 - validation_fraction);
  auto bytes = static_cast<std::size_t>(static_cast<double>(window) / smaller);
  // The quotient's rounding may be off by a byte.
  while (bytes > 2 * window && held_out_bytes(bytes - 1, validation_fraction) >= window) --bytes;
  while (held_out_bytes(bytes, validation_fraction) < window) ++bytes;
  return bytes;
}

ByteBatch sample_windows(std::span<const std::uint8_t> text, int seq_length,
                         const WindowDraw& draw) {
  CHECK(text.size() > static_cast<std::size_t>(seq_length), "the text holds one window");
  const auto places = static_cast<double>(text.size() - static_cast<std::size_t>(seq_length));
  ByteBatch batch;
  for (int i = 0; i < draw.count; ++i) {
    // uniform() is below 1 by 2^-53 at least, and the product below `places` for any real text.
    const double place = draw.field.uniform(draw.first_draw + static_cast<std::uint64_t>(i));
    append_window(text, static_cast<std::size_t>(place * places), seq_length, batch);
  }
  return batch;
}

ByteBatch spread_windows(std::span<const std::uint8_t> text, int most, int seq_length) {
  CHECK(text.size() > static_cast<std::size_t>(seq_length), "the text holds one window");
  const std::size_t places = text.size() - seq_length;  // possible first bytes
  const std::size_t fitting = (text.size() - 1) / seq_length;
  const std::size_t windows = std::min<std::size_t>(most, fitting);
  ByteBatch batch;
  for (std::size_t i = 0; i < windows; ++i) {
    const std::size_t offset = windows == 1 ? 0 : (places - 1) * i / (windows - 1);
    append_window(text, offset, seq_length, batch);
  }
  return batch;
}

}  // namespace moesim::model
