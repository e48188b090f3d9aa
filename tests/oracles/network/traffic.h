// SPDX-License-Identifier: Apache-2.0
// The traffic that networks are compared under.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/collectives/collective.h"
#include "topologies/cluster.h"

namespace moesim::testing {

// uniform: every rank sends as much to every other. zipf: the k-th most popular destination gets
// 1 / k of the most popular one's bytes, each pair up to half more or less. w2: one hot rank gets
// eight times as much as the others, each pair up to half more or less.
enum class Traffic { uniform, zipf, w2 };

inline constexpr Traffic kTraffics[] = {Traffic::uniform, Traffic::zipf, Traffic::w2};
std::string name_of(Traffic traffic);

// An all-to-all-v of about `mean_bytes` a pair among ranks [0, num_ranks).
sim::Collective all_to_all_of(Traffic traffic, int num_ranks, double mean_bytes,
                              std::uint64_t seed);

// Messages between random pairs of [0, num_ranks): each of the n (n - 1) pairs has one with
// probability `density`, of 1 B to 2 x `mean_bytes`.
sim::Collective random_messages(int num_ranks, double density, double mean_bytes,
                                std::uint64_t seed);

// A connected cluster: nodes of 1 to 4 accelerators with a scale-up switch and 1 to 2 NICs, hung on
// a random tree of switches with some cables more. Bandwidths of 1 to 100 GB/s and latencies of 0
// to 3 us, both by direction.
topologies::Cluster random_cluster(std::uint64_t seed);

}  // namespace moesim::testing
