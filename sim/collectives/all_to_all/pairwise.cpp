// SPDX-License-Identifier: Apache-2.0
// pairwise: n - 1 rounds; in round k rank i sends to i + k and receives from i - k, so that no rank
// ever takes in two messages (Thakur, Rabenseifner and Gropp 2005, "Optimization of Collective
// Communication Operations in MPICH").
//
//   (n-1) (alpha + b / B)
#include "sim/collectives/all_to_all/algorithms.h"

namespace moesim::sim {

void send_pairwise(const Exchange& exchange, Schedule& schedule) {
  const int n = exchange.size();
  for (int distance = 1; distance < n; ++distance) {
    for (int rank = 0; rank < n; ++rank) {
      const int to = (rank + distance) % n;
      schedule.send(rank, to, exchange.between(rank, to));
    }
    schedule.end_round();
  }
}

}  // namespace moesim::sim
