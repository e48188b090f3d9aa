// SPDX-License-Identifier: Apache-2.0
// The broadcast: every rank ends with the first rank's buffer.
#pragma once

#include <span>
#include <vector>

#include "base/json_reader.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

// Of S bytes to n ranks, alpha the latency of a hop, B the bandwidth of every port:
// ring: a chain from rank to rank, pipelined, as NCCL broadcasts: (n-1) alpha + S/B, and n - 2
// chunks' times where chunks are not infinitely fine.
// binomial: ceil(log2 n) rounds, in round k the ranks that hold the buffer send all of it to the
// one 2^k further on (Thakur, Rabenseifner and Gropp 2005): ceil(log2 n) (alpha + S/B).
enum class Broadcast { ring, binomial };
base::EnumNames<Broadcast> names_of(Broadcast);

// `sizes` [ranks]: the buffer that each rank holds room for, all alike; ranks[0] is the root.
// Throws base::Error naming the ranks where they differ. A lone rank sends nothing.
Collective broadcast(Broadcast algorithm, topologies::Router& router, const std::vector<int>& ranks,
                     std::span<const base::Bytes> sizes);

}  // namespace moesim::sim
