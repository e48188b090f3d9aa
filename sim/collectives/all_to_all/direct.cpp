// SPDX-License-Identifier: Apache-2.0
// direct: every rank sends to every other at once, as grouped sends and receives do (NCCL's
// documentation, "Point-to-point communication", all-to-all).
//
//   alpha + (n-1) b / B
#include "sim/collectives/all_to_all/algorithms.h"

namespace moesim::sim {

void send_direct(const Exchange& exchange, Schedule& schedule) {
  schedule.reserve(exchange.bytes.size());
  for (int source = 0; source < exchange.size(); ++source) {
    for (int destination = 0; destination < exchange.size(); ++destination) {
      schedule.send(source, destination, exchange.between(source, destination));
    }
  }
}

}  // namespace moesim::sim
