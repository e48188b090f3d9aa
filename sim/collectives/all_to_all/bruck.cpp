// SPDX-License-Identifier: Apache-2.0
// bruck: ceil(log2 n) rounds; in round k rank i sends to i + 2^k every block it holds whose way
// from origin to destination has bit k set (Bruck, Ho, Kipnis, Upfal and Weathersby 1997,
// "Efficient Algorithms for All-to-All Communications in Multiport Message-Passing Systems"). Few
// messages, each block travels as often as its way has bits. Blocks travel with their real sizes;
// the sizes themselves are taken as known.
//
//   log2(n) (alpha + n/2 b / B), n a power of two
#include "sim/collectives/all_to_all/algorithms.h"

namespace moesim::sim {

void send_bruck(const Exchange& exchange, Schedule& schedule) {
  const int n = exchange.size();
  for (int step = 1; step < n; step *= 2) {
    for (int rank = 0; rank < n; ++rank) {
      base::Bytes held;
      for (int way = 1; way < n; ++way) {
        if ((way & step) == 0) continue;
        const int origin = (rank - (way & (step - 1)) + n) % n;  // the lower bits are behind it
        held += exchange.between(origin, (origin + way) % n);
      }
      schedule.send(rank, (rank + step) % n, held);
    }
    schedule.end_round();
  }
}

}  // namespace moesim::sim
