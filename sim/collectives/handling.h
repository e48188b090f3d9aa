// SPDX-License-Identifier: Apache-2.0
// What moving a collective's bytes through a communication kernel costs beside the links' time.
#pragma once

#include "base/units.h"
#include "sim/collectives/collective.h"
#include "sim/collectives/protocol.h"
#include "topologies/routing.h"

namespace moesim::sim {

// The sum of
// - rows: of a dispatch or combine rows.most_tokens * row_latency / comm_sms, the multiprocessors
//   sharing the tokens out among them;
// - summing: of a combine rows.row / sum_bandwidth, the last token's rows added up when the bytes
//   are there;
// - chunks: 2 sqrt(c x), c being chunk_overhead and x the most loaded link's bytes over its
//   bandwidth. Bytes that pass a buffer in n chunks take (n + 1) (x / n + c), two stages working at
//   the same time; that is least at n = sqrt(x / c), x + c + 2 sqrt(c x), and the single c belongs
//   to kernel_latency.
// The form was chosen for the measured series of docs/validation.md, "Measured reality".
base::Seconds handling_latency(const Collective& collective, const Protocol& protocol,
                               topologies::Router& router);

}  // namespace moesim::sim
