// SPDX-License-Identifier: Apache-2.0
// The reduce-scatter: rank i ends with block i of the sum of all ranks' buffers.
#pragma once

#include <span>
#include <vector>

#include "base/json_reader.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

// Of n buffers of S bytes, alpha the latency of a hop, B the bandwidth of every port:
// ring: n - 1 steps, in each a rank passes on a partial sum of S/n (Thakur, Rabenseifner and Gropp
// 2005): (n-1) (alpha + S/n/B).
// direct: every rank sends every other its block at once: alpha + (n-1) S/n/B.
enum class ReduceScatter { ring, direct };
base::EnumNames<ReduceScatter> names_of(ReduceScatter);

// `sizes` [ranks]: the buffer that each rank brings, all alike. Throws base::Error naming the ranks
// where they differ. A lone rank sends nothing.
Collective reduce_scatter(ReduceScatter algorithm, topologies::Router& router,
                          const std::vector<int>& ranks, std::span<const base::Bytes> sizes);

}  // namespace moesim::sim
