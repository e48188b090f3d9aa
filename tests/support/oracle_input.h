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

// One flow for each way of each message, of whole bytes (as `flow` has it), those of a message one
// after another.
struct MessageFlows {
  std::vector<Flow> flows;
  std::vector<int> message;  // [flows] place in messages_of
};

// Flows move once their message's latency has passed, which follows the protocol's latency and,
// from the second round on, the arrival of all that its two ends send and receive before.
MessageFlows flows_of(topologies::Router& router, const sim::Collective& collective);

// [messages_of] when the last way of each message ends, of `ends` [flows].
std::vector<double> fold_ways(const MessageFlows& flows, const std::vector<double>& ends);

// The same for the packet network, whose links have their latencies themselves.
std::vector<PacketLink> packet_links_of(const topologies::Cluster& cluster);
std::vector<PacketMessage> packet_messages_of(topologies::Router& router,
                                              const sim::Collective& collective);

}  // namespace moesim::testing
