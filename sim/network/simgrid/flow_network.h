// SPDX-License-Identifier: Apache-2.0
// Fidelity `flow`: each message is one communication of SimGrid on its explicit path, and all
// messages share links max-min fairly, whatever their latencies: a lossless RDMA fabric.
// Cost grows with the square of the messages in flight; meant for groups of up to 64 ranks.
#pragma once

#include <memory>

#include "sim/network/network.h"
#include "topologies/routing.h"

namespace moesim::sim {

std::unique_ptr<Network> make_flow_network(topologies::Router& router,
                                           const NetworkOptions& options);

}  // namespace moesim::sim
