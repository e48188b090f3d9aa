// SPDX-License-Identifier: Apache-2.0
// Any collective by name and size, as benchmarks of communication libraries ask for it
// (github NVIDIA/nccl-tests, doc/PERFORMANCE.md).
#pragma once

#include <string>
#include <vector>

#include "base/json_reader.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

enum class CollectiveKind {
  all_to_all,
  all_reduce,
  all_gather,
  reduce_scatter,
  broadcast,
  send_recv,
};
base::EnumNames<CollectiveKind> names_of(CollectiveKind);

// The algorithms that the collective has; empty for send_recv, which has one way only.
std::vector<std::string> algorithms_of(CollectiveKind kind);

struct BenchedCollective {
  CollectiveKind kind = CollectiveKind::all_to_all;
  std::string algorithm;   // one of algorithms_of(kind)
  std::vector<int> ranks;  // ascending
  // As nccl-tests count it, per rank: what it sends (all_to_all: to all, itself included;
  // send_recv: to the next), its buffer (all_reduce, broadcast, reduce_scatter), or what it ends
  // with (all_gather).
  base::Bytes size;
  std::vector<base::Bytes> traffic;  // [source, destination] of an all_to_all; empty: all alike
  base::Bytes message_bytes;         // of low_latency
};

// Throws base::Error: an algorithm that the collective does not have, at --algorithm, and what the
// algorithms throw.
Collective build(const BenchedCollective& bench, topologies::Router& router);

// busbw / algbw: what makes the bandwidth comparable with that of a link, whatever the number of
// ranks. (n-1)/n for all_to_all, all_gather and reduce_scatter, 2(n-1)/n for all_reduce, else 1.
double bus_factor(CollectiveKind kind, int num_ranks);

}  // namespace moesim::sim
