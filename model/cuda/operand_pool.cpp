// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/operand_pool.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/rng.h"
#include "model/cuda/gemm/bf16.h"

namespace moesim::model::cuda {
namespace {

constexpr std::int64_t kAlignment = 256;
constexpr std::int64_t kMostDrawn = std::int64_t{16} << 20;  // bytes; the rest repeats them

std::int64_t aligned(std::int64_t bytes) { return ceil_divide(bytes, kAlignment) * kAlignment; }

}  // namespace

MemoryRing::MemoryRing(Device& device, std::int64_t bytes)
    : memory_(device, static_cast<std::size_t>(aligned(bytes))), bytes_(aligned(bytes)) {}

void* MemoryRing::next_bytes(std::int64_t bytes) {
  CHECK(bytes <= bytes_, "what is asked for fits the ring");
  if (first_free_ + bytes > bytes_) first_free_ = 0;
  void* const place = memory_.data() + first_free_;
  first_free_ = aligned(first_free_ + bytes);
  return place;
}

OperandPool::OperandPool(Device& device, std::int64_t bytes) : ring_(device, bytes) {
  const std::int64_t all = ring_.bytes();
  auto* const memory = ring_.next<unsigned char>(all);  // the next call begins at the front
  base::Rng rng(0, "operand pool");
  std::vector<Bf16> drawn(static_cast<std::size_t>(std::min(all, kMostDrawn)) / sizeof(Bf16));
  for (Bf16& value : drawn) value = to_bf16(static_cast<float>(rng.uniform() - 0.5));
  auto filled = static_cast<std::int64_t>(drawn.size() * sizeof(Bf16));
  device.upload(drawn.data(), memory, static_cast<std::size_t>(filled));
  while (filled < all) {
    const std::int64_t more = std::min(filled, all - filled);
    device.copy(memory, memory + filled, static_cast<std::size_t>(more));
    filled += more;
  }
  device.synchronise();
}

}  // namespace moesim::model::cuda
