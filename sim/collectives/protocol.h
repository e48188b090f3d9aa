// SPDX-License-Identifier: Apache-2.0
// What a communication library and its machine add to the bytes of a collective: few numbers, each
// with a meaning and, in presets, a source.
#pragma once

#include <map>
#include <string>

#include "base/field_table.h"
#include "base/units.h"
#include "topologies/cluster.h"

namespace moesim::sim {

struct Protocol {
  std::string preset;            // a file in sim/collectives/presets
  base::Seconds kernel_latency;  // once per collective: launch, set-up, closing barrier
  // Per message that a rank sends in a round, one after another, before its last one moves.
  base::Seconds message_latency;
  double scale_up_efficiency = 1;     // achieved share of scale-up links' bandwidth, in (0, 1]
  double network_efficiency = 1;      // the same of PCIe, NIC and fabric links
  int comm_sms = 0;                   // multiprocessors that move the data; 0: no limit
  base::BytesPerSecond sm_bandwidth;  // what one of them moves, one direction; 0: no limit
  int reserved_sms = 0;               // of them, those that compute never gets back
  std::map<std::string, std::string> sources;
};

// The cluster with the bandwidths that the protocol achieves: links times their kind's efficiency,
// an accelerator's links to other vertices no more than comm_sms * sm_bandwidth where both are set.
topologies::Cluster achieved(topologies::Cluster cluster, const Protocol& protocol);

}  // namespace moesim::sim
