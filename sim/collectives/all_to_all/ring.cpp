// SPDX-License-Identifier: Apache-2.0
// ring: n - 1 rounds; in each, every rank passes on to the next what it holds that is not for it
// (store and forward). What rank i passes on in round r began r - 1 ranks before it and has at
// least one more hop to go. Meant for machines that are rings (Grama, Gupta, Karypis and Kumar
// 2003, "Introduction to Parallel Computing", 2nd edition, section 4.5, all-to-all personalised).
//
//   (n-1) alpha + n (n-1) / 2 b / B
#include "sim/collectives/all_to_all/algorithms.h"

namespace moesim::sim {

void send_round_the_ring(const Exchange& exchange, Schedule& schedule) {
  const int n = exchange.size();
  for (int round = 1; round < n; ++round) {
    for (int rank = 0; rank < n; ++rank) {
      const int origin = (rank - (round - 1) + n) % n;
      base::Bytes held;
      for (int distance = round; distance < n; ++distance) {
        held += exchange.between(origin, (origin + distance) % n);
      }
      schedule.send(rank, (rank + 1) % n, held);
    }
    schedule.end_round();
  }
}

}  // namespace moesim::sim
