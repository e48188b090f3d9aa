// SPDX-License-Identifier: Apache-2.0
// Traffic whose busiest link is kept from being busy by others, so that it ends late.
#pragma once

#include <cmath>
#include <vector>

#include "tests/support/example_cluster.h"

namespace moesim::testing {

// Three pods of four nodes with one accelerator each; the one uplink of each pod's leaf carries as
// much as one NIC: 50 GB/s.
inline topologies::ClusterConfig thin_uplinks() {
  topologies::ClusterConfig config =
      example_config(topologies::Topology::rail_optimized_fat_tree, 12, 1);
  config.fabric.oversubscription = 4;
  return config;
}

// Rank 8 gets 50 MB from rank 0 and from rank 4, of the two other pods, which also exchange two
// messages of 20 MB each way. At first each uplink is shared by three: rank 8's NIC takes in 2/3 of
// 50 GB/s until the small ones end at 1.2 ms. 30 MB of each large one is left, at 25 GB/s each:
// 2.4 ms, while the busiest link needs 100 MB / 50 GB/s = 2 ms.
inline sim::Collective hot_nic_behind_thin_uplinks() {
  return collective_of(12, {{0, 8, base::Bytes(50e6)},
                            {4, 8, base::Bytes(50e6)},
                            {1, 5, base::Bytes(20e6)},
                            {2, 6, base::Bytes(20e6)},
                            {5, 1, base::Bytes(20e6)},
                            {6, 2, base::Bytes(20e6)}});
}

// Every rank of [0, num_ranks) sends about `mean_bytes` to every other, give or take half, and
// `hot_factor` times as much to rank 3.
inline sim::Collective hot_rank_all_to_all(int num_ranks, double mean_bytes, double hot_factor,
                                           std::uint64_t seed) {
  base::Rng rng(seed, "hot_rank_all_to_all");
  std::vector<topologies::Transfer> transfers;
  for (int source = 0; source < num_ranks; ++source) {
    for (int destination = 0; destination < num_ranks; ++destination) {
      if (source == destination) continue;
      const double times = (destination == 3 ? hot_factor : 1) * (0.5 + rng.uniform());
      transfers.push_back({source, destination, base::Bytes(std::ceil(mean_bytes * times))});
    }
  }
  return collective_of(num_ranks, std::move(transfers));
}

}  // namespace moesim::testing
