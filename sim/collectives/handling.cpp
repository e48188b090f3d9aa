// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/handling.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace moesim::sim {
namespace {

base::Seconds row_time(const RowHandling& rows, const Protocol& protocol) {
  if (protocol.row_latency.value == 0) return {};
  CHECK(protocol.comm_sms > 0, "a row's latency is a multiprocessor's");
  return static_cast<double>(rows.most_tokens) * protocol.row_latency / protocol.comm_sms;
}

base::Seconds summing_time(const RowHandling& rows, const Protocol& protocol) {
  if (!rows.summed || protocol.sum_bandwidth.value == 0) return {};
  return rows.row / protocol.sum_bandwidth;
}

base::Seconds chunk_time(const Collective& collective, base::Seconds overhead,
                         topologies::Router& router) {
  if (overhead.value == 0) return {};
  base::Seconds longest;
  for (const topologies::LinkLoad& load : topologies::link_loads(router, collective.transfers)) {
    longest = std::max(longest, load.bytes / router.cluster().links[load.link].bandwidth);
  }
  return base::Seconds(2 * std::sqrt(overhead.value * longest.value));
}

}  // namespace

base::Seconds handling_latency(const Collective& collective, const Protocol& protocol,
                               topologies::Router& router) {
  return row_time(collective.rows, protocol) + summing_time(collective.rows, protocol) +
         chunk_time(collective, protocol.chunk_overhead, router);
}

}  // namespace moesim::sim
