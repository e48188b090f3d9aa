// SPDX-License-Identifier: Apache-2.0
// What a communication library and its machine add to the bytes of a collective: few numbers, each
// with a meaning and, in presets, a source. The defaults are an ideal library, which adds nothing.
#pragma once

#include <map>
#include <string>

#include "base/field_table.h"
#include "base/units.h"
#include "sim/collectives/collective.h"
#include "topologies/accelerator.h"
#include "topologies/cluster.h"
#include "topologies/routing.h"

namespace moesim::sim {

struct Protocol {
  std::string preset;            // a file in sim/collectives/presets
  base::Seconds kernel_latency;  // once per collective: launch, set-up, closing barrier
  // Per message that a rank sends in a round, one after another, before its last one moves.
  base::Seconds message_latency;
  base::Bytes chunk_bytes;  // that a pipeline passes on at a time; 0: infinitely fine
  // Of moving x seconds of bytes through two stages (into a buffer, out of it) in as many chunks as
  // are best: each chunk costs this much, so the whole x + 2 sqrt(this x), see handling.h.
  base::Seconds chunk_overhead;
  // What a multiprocessor spends on each token beside its bytes: choosing, indexing, waiting.
  base::Seconds row_latency;
  base::BytesPerSecond sum_bandwidth;  // at which a combine adds up the last row; 0: at once
  double scale_up_latency_share = 1;   // of the scale-up links' latency, what a running kernel sees
  double scale_up_efficiency = 1;      // achieved share of scale-up links' bandwidth, in (0, 1]
  double network_efficiency = 1;       // the same of PCIe, NIC and fabric links
  int comm_sms = 0;                    // multiprocessors that move the data; 0: no limit
  base::BytesPerSecond sm_bandwidth;   // what one of them moves, one direction; 0: no limit
  int reserved_sms = 0;                // of the accelerator's, those that compute never gets back
  std::map<std::string, std::string> sources;
};

// The protocol's keys, for the sections that hold one (comm).
void add_fields(base::FieldTable& table, Protocol& protocol);
void describe(base::FieldTable& table, Protocol& protocol);

// What single fields cannot check. Throws base::Error at `where` + "/reserved_sms" when compute is
// left without multiprocessors, or when the accelerator does not say how many it has.
void validate(const Protocol& protocol, const topologies::Accelerator& accelerator,
              const std::string& where);

// The cluster with the bandwidths that the protocol achieves: links times their kind's efficiency;
// scale-up links' latencies times scale_up_latency_share;
// then an accelerator's links of one kind and direction together no more than comm_sms *
// sm_bandwidth where both are set, each cut by the same factor.
topologies::Cluster achieved(topologies::Cluster cluster, const Protocol& protocol);

// The accelerator that compute gets: without the reserved multiprocessors, each of which takes its
// share of the achievable rate with it. Memory bandwidth stays.
topologies::Accelerator computing(topologies::Accelerator accelerator, const Protocol& protocol);

// The collective as the library runs it. Added to protocol_latency: kernel_latency; message_latency
// times the most messages that any rank sends (of the first round where there are rounds: later
// rounds wait theirs in Round::latency); and, where chunk_bytes > 0, for each pipeline stage
// `times` * min(chunk_bytes, the hop's bytes) / the slowest link of the hop's route. And
// handling_latency() (handling.h). A collective without messages between ranks is left as it is.
Collective with_protocol(Collective collective, const Protocol& protocol,
                         topologies::Router& router);

}  // namespace moesim::sim
