// SPDX-License-Identifier: Apache-2.0
// A collective on a cluster as the oracles want it: plain numbers, from the router's ways alone.
#pragma once

#include <vector>

#include "sim/collectives/collective.h"
#include "tests/support/max_min_solver.h"
#include "tests/support/packet_network.h"
#include "topologies/routing.h"

namespace moesim::testing {

// The collective's messages that cost something (bytes, and two different ends), as places in
// `transfers`.
std::vector<int> messages_of(const sim::Collective& collective);

// [links] bytes per second.
std::vector<double> capacities_of(const topologies::Cluster& cluster);

// [messages_of] each moves once its way's latency has passed, which follows the protocol's latency
// and, from the second round on, the arrival of all that its sender sends and receives before.
std::vector<Flow> flows_of(topologies::Router& router, const sim::Collective& collective);

// The same for the packet network, whose links have their latencies themselves.
std::vector<PacketLink> packet_links_of(const topologies::Cluster& cluster);
std::vector<PacketMessage> packet_messages_of(topologies::Router& router,
                                              const sim::Collective& collective);

}  // namespace moesim::testing
