// SPDX-License-Identifier: Apache-2.0
#include "tests/oracles/network/worked_cases.h"

#include <cmath>
#include <utility>

#include "sim/collectives/all_reduce.h"
#include "tests/support/example_cluster.h"

namespace moesim::testing {
namespace {

constexpr double kPort = 50 * kGibibyte;  // bytes per second

std::vector<int> first_ranks(int num_ranks) {
  std::vector<int> ranks;
  for (int rank = 0; rank < num_ranks; ++rank) ranks.push_back(rank);
  return ranks;
}

WorkedCase all_to_all_on_one_switch() {
  WorkedCase c;
  c.what = "all-to-all, 256 MiB a rank, 64 ranks, one switch of 50 GiB/s ports";
  c.fabric = nodes_on_one_switch(64, 1);
  c.collective = all_to_all_of_buffer(64, 256 * kMebibyte);
  c.expected_s = 63.0 / 64 * 256 * kMebibyte / kPort;
  c.by_hand = "63/64 x 256 MiB / 50 GiB/s";
  c.others = "ASTRA-sim: 79 us (unaware), 5,001 us (aware)";
  return c;
}

// 2 x 7 steps of 0.5 us; ports of 50e9 B/s.
WorkedCase ring_all_reduce() {
  WorkedCase c;
  c.what = "ring all-reduce, 256 MB a rank, 8 ranks, one switch of 50 GB/s ports, 0.5 us a step";
  topologies::ClusterConfig config = example_config(topologies::Topology::single_switch, 8, 1);
  config.node.nic_latency = base::Seconds(0.5e-6);
  c.fabric = {"one switch", build_cluster(config), {}};
  topologies::Router router(c.fabric.cluster);
  c.collective = sim::all_reduce(sim::AllReduce::ring, router, first_ranks(8), base::Bytes(256e6));
  c.expected_s = 2 * 7.0 / 8 * 256e6 / 50e9 + 14 * 0.5e-6;
  c.by_hand = "2 x 7/8 x 256 MB / 50 GB/s + 14 x 0.5 us";
  c.others = "ASTRA-sim: 17.72 ms (aware, one active chunk)";
  return c;
}

WorkedCase two_nodes() {
  WorkedCase c;
  c.what = "all-to-all, 16 MiB a rank, 16 ranks on two nodes with NICs of 50 GiB/s";
  c.fabric = nodes_on_one_switch(2, 8);
  c.collective = all_to_all_of_buffer(16, 16 * kMebibyte);
  c.expected_s = 8.0 / 16 * 16 * kMebibyte / kPort;
  c.by_hand = "8/16 x 16 MiB / 50 GiB/s";
  c.others = "ASTRA-sim: 350 us (dimension by dimension)";
  return c;
}

WorkedCase group_on_machine(int num_nodes, const std::string& others) {
  WorkedCase c;
  c.what = "all-to-all, 256 MiB a rank, 64 ranks of a machine of " + std::to_string(num_nodes * 8) +
           ", 8 a node, 50 GiB/s NICs";
  c.fabric = nodes_on_one_switch(num_nodes, 8);
  c.collective = all_to_all_of_buffer(64, 256 * kMebibyte);
  c.expected_s = 56.0 / 64 * 256 * kMebibyte / kPort;
  c.by_hand = "56/64 x 256 MiB / 50 GiB/s";
  c.others = others;
  return c;
}

// Rank 0 gets 1 / H of what everyone has, H = 1 + 1/2 + ... + 1/64, from the 63 others.
WorkedCase zipf_on_one_switch() {
  WorkedCase c;
  c.what = "all-to-all-v, 256 MiB a rank, destinations by Zipf, 64 ranks, the same switch";
  c.fabric = nodes_on_one_switch(64, 1);
  double harmonic = 0;
  for (int k = 1; k <= 64; ++k) harmonic += 1.0 / k;
  std::vector<topologies::Transfer> transfers;
  for (int source = 0; source < 64; ++source) {
    for (int destination = 0; destination < 64; ++destination) {
      if (source == destination) continue;
      const double bytes = std::floor(256 * kMebibyte / harmonic / (destination + 1));
      transfers.push_back({source, destination, base::Bytes(bytes)});
    }
  }
  c.collective = collective_of(64, std::move(transfers));
  c.expected_s = 63 * std::floor(256 * kMebibyte / harmonic) / kPort;
  c.by_hand = "63 x 256 MiB / (1 + 1/2 + ... + 1/64) / 50 GiB/s";
  c.others = "ASTRA-sim has no such traffic; its uniform one: 5 ms";
  return c;
}

}  // namespace

sim::Collective all_to_all_of_buffer(int num_ranks, double buffer_bytes) {
  std::vector<topologies::Transfer> transfers;
  for (int source = 0; source < num_ranks; ++source) {
    for (int destination = 0; destination < num_ranks; ++destination) {
      if (source == destination) continue;
      transfers.push_back({source, destination, base::Bytes(buffer_bytes / num_ranks)});
    }
  }
  return collective_of(num_ranks, std::move(transfers));
}

Fabric nodes_on_one_switch(int num_nodes, int per_node) {
  topologies::ClusterConfig config =
      example_config(topologies::Topology::single_switch, num_nodes, per_node);
  config.node.scale_up_latency = base::Seconds(0);
  config.node.nic_latency = base::Seconds(0);
  config.node.nic_bandwidth = base::BytesPerSecond(kPort);
  return {"one switch", build_cluster(config), {}};
}

std::vector<WorkedCase> worked_cases() {
  return {all_to_all_on_one_switch(),
          ring_all_reduce(),
          two_nodes(),
          group_on_machine(8, "an expert-parallel step, ASTRA-sim's dimensions: 252 ms"),
          group_on_machine(32, "the same step on the larger machine: 5,197 ms"),
          zipf_on_one_switch()};
}

}  // namespace moesim::testing
