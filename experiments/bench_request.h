// SPDX-License-Identifier: Apache-2.0
// What `moesim bench-collective` is asked for: flags as they were given, and what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "sim/benched_collective.h"
#include "sim/collectives/protocol.h"
#include "sim/network/network.h"
#include "sim/routing/routing_config.h"
#include "topologies/cluster_config.h"

namespace moesim::experiments {

// The flags as they were given; "" where one was not.
struct BenchRequest {
  std::string cluster;                   // a preset's name, or an experiment file (.json)
  std::vector<std::string> assignments;  // --set, of cluster, comm, network, routing.synthetic
  std::string collective = "all_to_all";
  std::string algorithm;             // "": comm.all_to_all, comm.all_reduce, else the first
  std::string fidelity;              // "": network.fidelity
  std::optional<std::string> ranks;  // "64": the first 64; "0-7,16": these; null: all
  std::string skew;  // of an all_to_all: a distribution of routing.synthetic, "w2" for short
  std::uint64_t seed = 0;
  std::string matrix;         // JSON file: [source][destination] bytes of an all_to_all
  std::string message_bytes;  // of low_latency, as "7392 B"
};

// One column of the table.
struct BenchCase {
  std::string label;  // what it is compared by: "flow", "ring, flow"; "" without a comparison
  std::string cluster_name;
  topologies::ClusterConfig cluster;
  sim::Fidelity fidelity = sim::Fidelity::collective;
  sim::Protocol protocol;
  sim::BenchedCollective collective;  // traffic: of a matrix, else empty; size: of the row
  sim::SyntheticSettings skew;
  std::uint64_t seed = 0;
  std::vector<std::string> warnings;  // of keys without effect on it
};

// The request of one column.
struct BenchVariant {
  std::string label;
  BenchRequest request;
};

// The request for every combination of the values of `comparisons`, each "key=a,b": key is cluster,
// topology (cluster.topology), collective's algorithm, fidelity or skew, or a dotted key as in
// --set. Throws base::Error at --compare.
std::vector<BenchVariant> bench_variants(const BenchRequest& request,
                                         const std::vector<std::string>& comparisons);

// What a variant asks for. A cluster that lacks num_nodes gets as many as the first N ranks need.
// Throws base::Error.
BenchCase bench_case(const BenchVariant& variant);

}  // namespace moesim::experiments
