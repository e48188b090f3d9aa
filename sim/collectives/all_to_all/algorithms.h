// SPDX-License-Identifier: Apache-2.0
// The algorithms of an all-to-all-v, one file each; the file says what it does, whence it comes and
// what it costs. In the formulas n ranks send b bytes to each other one, alpha is the latency of a
// hop and B the bandwidth of every port.
#pragma once

#include <vector>

#include "sim/collectives/all_to_all/schedule.h"

namespace moesim::sim {

void send_direct(const Exchange& exchange, Schedule& schedule);
void send_pairwise(const Exchange& exchange, Schedule& schedule);
void send_round_the_ring(const Exchange& exchange, Schedule& schedule);
void send_bruck(const Exchange& exchange, Schedule& schedule);
void send_hierarchical(const Exchange& exchange, Schedule& schedule);
void send_hierarchical_dedup(const Exchange& exchange, Schedule& schedule);  // needs the plan
void send_low_latency(const Exchange& exchange, Schedule& schedule);         // needs message_bytes

// [local index of the sender][node] -> the group position that takes in what it sends to that node:
// the same local index where the group has it, else the node's first rank of the group.
std::vector<std::vector<int>> gateways(const Group& group);

}  // namespace moesim::sim
