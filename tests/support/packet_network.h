// SPDX-License-Identifier: Apache-2.0
// A lossless network packet by packet: store and forward, finite buffers, credits. An oracle for
// fidelity `flow`, written from first principles and sharing no code with it.
#pragma once

#include <stdexcept>
#include <vector>

namespace moesim::testing {

struct PacketLink {
  double bytes_per_s = 0;
  double latency_s = 0;
};

// One way of a message: its links in order, and its part of the packets.
struct PacketWay {
  std::vector<int> links;
  double share = 1;
};

struct PacketMessage {
  std::vector<PacketWay> ways;  // at least one, none empty
  double bytes = 0;
  double start_s = 0;
  std::vector<int> after = {};  // it starts `start_s` after the last of these messages has arrived
};

// per_message: every link serves its messages in turn, and each has a buffer of its own behind
// every link. With buffers that cover a link's round trip this converges to max-min fair rates as
// packets shrink (Hahne, Round-Robin Scheduling for Max-Min Fairness in Data Networks, IEEE JSAC
// 9(7), 1991). shared_fifo: packets leave in the order in which they came, and all messages that
// cross a link share the buffer behind it, so that packets for a busy port block those behind them
// (head-of-line blocking), as in switches with one lossless class.
enum class Queueing { per_message, shared_fifo };

struct PacketOptions {
  double packet_bytes = 4096;
  Queueing queueing = Queueing::per_message;
  // Room behind each link beyond what the link needs to stay busy, which is its bandwidth x round
  // trip: per message, or for all of them.
  int spare_packets = 4;
};

// Packets wait for each other's buffers in a circle.
struct Deadlock : std::runtime_error {
  Deadlock() : std::runtime_error("packets wait for each other in a circle") {}
};

// [messages] when the last packet of each has arrived, in seconds. Throws Deadlock.
std::vector<double> packet_ends(const std::vector<PacketLink>& links,
                                const std::vector<PacketMessage>& messages,
                                const PacketOptions& options = {});

}  // namespace moesim::testing
