// SPDX-License-Identifier: Apache-2.0
// A collective as plain values: the messages that an algorithm sends, ready for any network.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "topologies/routing.h"

namespace moesim::sim {

// Messages that start together and end when the last has arrived.
struct Collective {
  std::string name;                             // "dispatch L3 mb0 fwd", for people who debug
  std::vector<int> ranks;                       // participants, ascending
  std::vector<topologies::Transfer> transfers;  // 0-byte and rank-to-itself ones cost nothing
  base::Seconds protocol_latency;               // paid once before any byte moves (ring steps, ...)
  base::Bytes payload{};                        // what an all-to-all exchanges, however it is sent
};

}  // namespace moesim::sim
