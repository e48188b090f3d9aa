// SPDX-License-Identifier: Apache-2.0
// Bytes of an all-to-all-v with the shapes of synthetic routing, as if every rank held one expert.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "sim/routing/routing_config.h"

namespace moesim::sim {

// [source, destination] bytes, a rank's to itself included: each source sends `mean_bytes` in all
// (w4: half to one and a half times as much, w5: nothing from the hot rank), divided among the
// destinations like the weights of as many experts in one layer (docs/models.md, "Synthetic
// routing"; w6 at its first spot, w7 in a burst). Expected values: nothing is drawn per token.
// Throws base::Error at /routing/synthetic/hot_rank for a hot rank outside of the group.
std::vector<base::Bytes> shaped_traffic(const SyntheticSettings& settings, std::uint64_t seed,
                                        int num_ranks, base::Bytes mean_bytes);

}  // namespace moesim::sim
