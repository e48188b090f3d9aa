// SPDX-License-Identifier: Apache-2.0
// A collective as plain values: the messages that an algorithm sends, ready for any network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "topologies/routing.h"

namespace moesim::sim {

// Where a round of a collective's messages ends in `transfers`, and what its senders wait first.
struct Round {
  std::size_t end = 0;    // it begins where the round before ends
  base::Seconds latency;  // between the moment a message may start and its start

  bool operator==(const Round&) const = default;
};

// Hops that the first chunk of a pipeline makes beyond those that the messages themselves account
// for: what of a multi-stage algorithm is lost to filling its stages, see with_protocol.
struct PipelineStage {
  topologies::Transfer hop;  // a message of that stage, the whole of it
  int times = 1;             // so many such hops one after another

  bool operator==(const PipelineStage&) const = default;
};

// The tokens' rows that a dispatch or combine carries, for what handling them costs beside their
// bytes.
struct RowHandling {
  std::int64_t most_tokens = 0;  // that a rank begins a dispatch with, or ends a combine with
  base::Bytes row;               // bytes of one
  bool summed = false;           // a combine: a token's rows are added up where they arrive

  bool operator==(const RowHandling&) const = default;
};

// Messages, and who waits for what. It ends when the last has arrived.
struct Collective {
  std::string name;                             // "dispatch L3 mb0 fwd", for people who debug
  std::vector<int> ranks;                       // participants, ascending
  std::vector<topologies::Transfer> transfers;  // 0-byte and rank-to-itself ones cost nothing
  base::Seconds protocol_latency;               // paid once before any byte moves (ring steps, ...)
  base::Bytes payload{};                        // what an all-to-all exchanges, however it is sent
  // Empty: all messages start together. Else a message starts when all that its two ends send and
  // receive in the rounds before have arrived. The last round ends at transfers.size().
  std::vector<Round> rounds = {};
  // [transfers] messages that each stands for; empty: one each.
  std::vector<std::int64_t> messages = {};
  std::vector<PipelineStage> pipeline = {};
  RowHandling rows = {};
};

}  // namespace moesim::sim
