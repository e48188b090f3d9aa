// SPDX-License-Identifier: Apache-2.0
// Which of a collective's messages may start: those of a round wait until both their ends have
// sent and received all of theirs in the rounds before (Collective::rounds).
#pragma once

#include <vector>

#include "base/units.h"
#include "sim/collectives/collective.h"
#include "sim/network/max_min_fill.h"

namespace moesim::sim {

// Messages are told by their index in Collective::transfers. Those without bytes, or from an
// endpoint to itself, are no messages: nobody waits for them.
class RoundTracker {
 public:
  // `collective` must outlive this.
  explicit RoundTracker(const Collective& collective);

  int num_messages() const { return num_messages_; }

  // Those that may start at once, ascending.
  std::vector<int> first_messages();

  // The message has arrived. Returns those that may start now for the first time, ascending.
  std::vector<int> arrive(int message);

  // What a sender waits before it starts a message, from the moment the message may start.
  base::Seconds wait_before(int message) const;

 private:
  // What one endpoint still has to do: its rounds with messages, ascending, and where it stands.
  struct Endpoint {
    std::vector<int> rounds;
    IntLists messages;  // [rounds] its own
    std::size_t at = 0;
    int left = 0;  // messages of that round that have not arrived
  };

  bool is_ready(int message) const;
  Endpoint& endpoint(int number) { return endpoints_[number]; }
  void step(int number, std::vector<int>& ready);

  const Collective& collective_;
  std::vector<int> round_of_;  // [transfers]
  std::vector<Endpoint> endpoints_;
  int num_messages_ = 0;
};

// Whether a transfer is a message.
inline bool carries(const topologies::Transfer& transfer) {
  return transfer.bytes.value > 0 && transfer.source != transfer.destination;
}

}  // namespace moesim::sim
