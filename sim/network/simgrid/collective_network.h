// SPDX-License-Identifier: Apache-2.0
// Fidelity `collective`: each collective is one parallel task of SimGrid that loads all its links
// at once and advances in lock-step, so that overlapping collectives share links fairly and none
// ever needs more than one activity.
#pragma once

#include <memory>

#include "sim/network/network.h"
#include "topologies/routing.h"

namespace moesim::sim {

std::unique_ptr<Network> make_collective_network(topologies::Router& router,
                                                 const NetworkOptions& options);

}  // namespace moesim::sim
