// SPDX-License-Identifier: Apache-2.0
// Times of collectives on a network of moesim's, each in a process of its own (SimGrid has one
// engine per process), and the same times from the oracles.
#pragma once

#include <vector>

#include "sim/collectives/collective.h"
#include "sim/network/network.h"
#include "tests/oracles/network/fabrics.h"
#include "tests/support/packet_network.h"

namespace moesim::testing {

// When the collective ends, alone on the cluster.
double end_of(sim::Fidelity fidelity, const Fabric& fabric, const sim::Collective& collective);

// [messages_of] when each message ends at fidelity `flow`, all started at once. No rounds.
std::vector<double> message_ends(const Fabric& fabric, const sim::Collective& collective);

// [messages_of] the same from the max-min solver and from the packet network.
std::vector<double> solver_ends(const Fabric& fabric, const sim::Collective& collective);
std::vector<double> packet_ends(const Fabric& fabric, const sim::Collective& collective,
                                const PacketOptions& options = {});

double latest(const std::vector<double>& ends);

// |a - b| / b.
double relative_difference(double a, double b);

}  // namespace moesim::testing
