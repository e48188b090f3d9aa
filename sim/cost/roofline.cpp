// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/roofline.h"

#include <algorithm>
#include <cmath>

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Flops;
using base::Seconds;
using topologies::Accelerator;

constexpr std::int64_t kElementBytes = 2;  // bf16
constexpr std::int64_t kDepthStep = 64;    // a tile walks the summed dimension in steps of 64

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

Seconds memory_time(const Accelerator& accelerator, Bytes bytes) {
  return bytes / (accelerator.memory_bandwidth * accelerator.achievable_memory_fraction);
}

Seconds join(const Accelerator& accelerator, Seconds memory, Seconds math) {
  const double p = accelerator.roofline_exponent;
  const double longer = std::max(memory.value, math.value);
  if (longer == 0) return accelerator.kernel_overhead;
  // Factored so that neither power over- nor underflows.
  const double ratio = std::min(memory.value, math.value) / longer;
  return accelerator.kernel_overhead +
         Seconds(longer * std::pow(1.0 + std::pow(ratio, p), 1.0 / p));
}

// `tile_depths` is the sum over tiles of the depth each walks; `tiles` how many there are.
Seconds math_time(const Accelerator& accelerator, std::int64_t tiles, double tile_depths) {
  const Flops work(2.0 * kTileRows * kTileColumns * tile_depths);
  const Seconds spread_evenly = work / accelerator.achievable_bf16;
  if (!accelerator.num_sms) return spread_evenly;
  const std::int64_t sms = *accelerator.num_sms;
  const double waves = static_cast<double>(ceil_div(tiles, sms)) * static_cast<double>(sms);
  return spread_evenly * (waves / static_cast<double>(tiles));
}

}  // namespace

Seconds time_grouped_gemm(const Accelerator& accelerator, std::span<const int> rows, std::int64_t n,
                          std::int64_t k) {
  std::int64_t row_tiles = 0;
  double total_rows = 0;
  double active_experts = 0;
  for (const int expert_rows : rows) {
    row_tiles += ceil_div(expert_rows, kTileRows);
    total_rows += expert_rows;
    active_experts += expert_rows > 0 ? 1 : 0;
  }
  if (row_tiles == 0) return Seconds(0);
  const std::int64_t tiles = row_tiles * ceil_div(n, kTileColumns);
  const double depth = static_cast<double>(ceil_div(k, kDepthStep) * kDepthStep);
  const double columns = static_cast<double>(n);
  const double depth_bytes = static_cast<double>(k);
  const Bytes bytes(kElementBytes * (active_experts * columns * depth_bytes +
                                     total_rows * (columns + depth_bytes)));
  return join(accelerator, memory_time(accelerator, bytes),
              math_time(accelerator, tiles, static_cast<double>(tiles) * depth));
}

Seconds time_grouped_weight_gradient(const Accelerator& accelerator, std::span<const int> rows,
                                     std::int64_t n, std::int64_t k) {
  if (rows.empty()) return Seconds(0);
  const std::int64_t tiles_per_expert = ceil_div(k, kTileRows) * ceil_div(n, kTileColumns);
  std::int64_t tiles = 0;
  double tile_depths = 0;
  double total_rows = 0;
  for (const int expert_rows : rows) {
    total_rows += expert_rows;
    if (expert_rows == 0) continue;
    tiles += tiles_per_expert;
    tile_depths += static_cast<double>(tiles_per_expert) *
                   static_cast<double>(ceil_div(expert_rows, kDepthStep) * kDepthStep);
  }
  const double weights =
      static_cast<double>(rows.size()) * static_cast<double>(n) * static_cast<double>(k);
  const Bytes bytes(kElementBytes * (weights + total_rows * static_cast<double>(n + k)));
  const Seconds math = tiles == 0 ? Seconds(0) : math_time(accelerator, tiles, tile_depths);
  return join(accelerator, memory_time(accelerator, bytes), math);
}

Seconds time_fused(const Accelerator& accelerator, Flops flops, Bytes bytes) {
  if (flops.value == 0 && bytes.value == 0) return Seconds(0);
  return join(accelerator, memory_time(accelerator, bytes), flops / accelerator.achievable_bf16);
}

Seconds time_memory_bound(const Accelerator& accelerator, Bytes bytes) {
  return time_fused(accelerator, Flops(0), bytes);
}

double padding_share(std::span<const int> rows) {
  double real = 0;
  double covered = 0;
  for (const int expert_rows : rows) {
    real += expert_rows;
    covered += static_cast<double>(ceil_div(expert_rows, kTileRows) * kTileRows);
  }
  return covered == 0 ? 0.0 : 1.0 - real / covered;
}

}  // namespace moesim::sim
