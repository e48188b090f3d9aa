// SPDX-License-Identifier: Apache-2.0
// Two switches with two ways between them, so that links may fail, or share a sprayed message.
#pragma once

#include <string>

#include "tests/support/routed_clusters.h"

namespace moesim::testing {

// gpu0 and gpu2 on switch a, gpu1 and gpu3 on switch b, by cables of 10 GB/s. Every cable has 1 us.
// Links are the directions from a to b.
struct Detour {
  topologies::Cluster cluster;
  int direct = 0;  // 1 GB/s: gpu0 to gpu1 in 3 us
  int first = 0;   // 0.5 GB/s: the first of the two cables over switch c, gpu0 to gpu1 in 4 us
  int second = 0;
};

// The cables a - b and a - c - b: routes take the direct one while it is up.
inline Detour drawn_detour() {
  DrawnCluster drawn;
  const int a = drawn.fabric_switch("a");
  const int b = drawn.fabric_switch("b");
  const int c = drawn.fabric_switch("c");
  for (int rank = 0; rank < 4; ++rank) {
    const int port = drawn.cable(drawn.accelerator(rank), rank % 2 == 0 ? a : b);
    for (const int link : {port, port + 1}) {
      drawn.cluster.links[link].bandwidth = base::BytesPerSecond(10e9);
    }
  }
  Detour detour;
  detour.direct = drawn.cable(a, b);
  detour.first = drawn.cable(a, c);
  detour.second = drawn.cable(c, b);
  for (const int cable : {detour.first, detour.second}) {
    for (const int link : {cable, cable + 1}) {
      drawn.cluster.links[link].bandwidth = base::BytesPerSecond(0.5e9);
    }
  }
  detour.cluster = std::move(drawn.cluster);
  return detour;
}

// gpu0 and gpu2 on switch a, gpu1 and gpu3 on switch b, as above, and two equal ways from a to b,
// over s0 and over s1, of 1 GB/s each: gpu0 to gpu1 in 4 us. `uplinks` are a -> s0 and a -> s1.
struct TwoWays {
  topologies::Cluster cluster;
  std::vector<int> uplinks;
};

inline TwoWays drawn_two_ways() {
  DrawnCluster drawn;
  const int a = drawn.fabric_switch("a");
  const int b = drawn.fabric_switch("b");
  for (int rank = 0; rank < 4; ++rank) {
    const int port = drawn.cable(drawn.accelerator(rank), rank % 2 == 0 ? a : b);
    for (const int link : {port, port + 1}) {
      drawn.cluster.links[link].bandwidth = base::BytesPerSecond(10e9);
    }
  }
  TwoWays ways;
  for (const char* name : {"s0", "s1"}) {
    const int spine = drawn.fabric_switch(name);
    ways.uplinks.push_back(drawn.cable(a, spine));
    drawn.cable(spine, b);
  }
  ways.cluster = std::move(drawn.cluster);
  return ways;
}

}  // namespace moesim::testing
