// SPDX-License-Identifier: Apache-2.0
// low_latency: one message per (token, expert) pair, each straight to the expert's rank, without
// copies left out and without a stop on the way; inside a node over the scale-up link (DeepEP,
// github deepseek-ai/DeepEP, README, low-latency kernels). The messages are many and small: what
// each costs its sender is Protocol::message_latency.
//
//   alpha + (n-1) b / B, and (n-1) b / row times message_latency
#include <cmath>

#include "base/check.h"
#include "sim/collectives/all_to_all/algorithms.h"

namespace moesim::sim {

void send_low_latency(const Exchange& exchange, Schedule& schedule) {
  CHECK(exchange.message_bytes.value > 0, "a message has a size");
  for (int source = 0; source < exchange.size(); ++source) {
    for (int destination = 0; destination < exchange.size(); ++destination) {
      const base::Bytes bytes = exchange.between(source, destination);
      const double messages = std::ceil(bytes / exchange.message_bytes);
      schedule.send(source, destination, bytes, static_cast<std::int64_t>(messages));
    }
  }
}

}  // namespace moesim::sim
