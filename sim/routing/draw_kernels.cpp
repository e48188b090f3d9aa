// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/draw_kernels.h"

#include "base/rng.h"

namespace moesim::sim {

DrawKernels best_draw_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd")) {
    return DrawKernels::avx512;
  }
#endif
  return DrawKernels::portable;
}

void pick_each_portable(const DrawBlock& block) {
  const std::int64_t pairs = std::int64_t{block.tokens} * block.top_k;
  std::uint64_t place = block.first_place;
  for (std::int64_t pair = 0; pair < pairs; pair += 2, ++place) {
    const std::uint64_t bits = base::field_bits(block.key, place);
    block.chosen[pair] = pick_slot(block.slots, block.num_slots, static_cast<std::uint32_t>(bits));
    if (pair + 1 == pairs) break;
    block.chosen[pair + 1] =
        pick_slot(block.slots, block.num_slots, static_cast<std::uint32_t>(bits >> 32));
  }
}

}  // namespace moesim::sim
