// SPDX-License-Identifier: Apache-2.0
#include "model/train/batch_sampler.h"

#include <algorithm>

#include "base/check.h"

namespace moesim::model {

void append_window(std::span<const std::uint8_t> text, std::size_t offset, int seq_length,
                   ByteBatch& batch) {
  CHECK(offset + seq_length < text.size(), "a window and the byte after it lie inside the text");
  const auto first = text.begin() + static_cast<std::ptrdiff_t>(offset);
  batch.inputs.insert(batch.inputs.end(), first, first + seq_length);
  batch.targets.insert(batch.targets.end(), first + 1, first + seq_length + 1);
}

ByteBatch sample_batch(std::span<const std::uint8_t> text, int sequences, int seq_length,
                       base::Rng& rng) {
  CHECK(text.size() > static_cast<std::size_t>(seq_length), "the text holds one window");
  ByteBatch batch;
  for (int i = 0; i < sequences; ++i) {
    append_window(text, rng.below(text.size() - seq_length), seq_length, batch);
  }
  return batch;
}

ByteBatch spread_batch(std::span<const std::uint8_t> text, int most, int seq_length) {
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
