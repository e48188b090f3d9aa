// SPDX-License-Identifier: Apache-2.0
#include "tests/support/packet_network.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <queue>
#include <tuple>
#include <utility>

namespace moesim::testing {
namespace {

struct Packet {
  int message = 0;
  int way = 0;
  int hop = 0;  // place in the way of the link that it waits for or crosses
  double bytes = 0;
};

// What a message has at one link.
struct Stage {
  int message = 0;
  int link = 0;
  std::vector<int> source_ways = {};  // ways that begin here
  std::deque<Packet> waiting = {};
  int buffered = 0;     // per_message: its packets on the link and in the buffer behind it
  bool queued = false;  // it has a turn in its link's queue, or its packet is on the link
};

// The packets of one way that have not left the source.
struct Supply {
  std::int64_t left = 0;
  std::int64_t sent = 0;
  double last_bytes = 0;
};

struct Message {
  std::vector<std::vector<int>> stages;  // [ways][hops]
  std::vector<Supply> supplies;          // [ways]
  std::vector<int> successors;
  int awaited = 0;
  std::int64_t arriving = 0;  // packets that have not arrived
};

struct LinkState {
  std::deque<int> turns;  // stages; shared_fifo: one turn per packet, else one per stage
  bool busy = false;
  int buffered = 0;  // shared_fifo: packets on the link and in the buffer behind it
  int room = 0;      // packets
};

enum class EventKind { start, sent, arrive, credit };

struct Event {
  double time = 0;
  std::uint64_t sequence = 0;
  EventKind kind = EventKind::start;
  int stage = 0;  // start: the message
  Packet packet = {};
  bool operator<(const Event& other) const {  // the earliest first
    return std::tie(time, sequence) > std::tie(other.time, other.sequence);
  }
};

class PacketNetwork {
 public:
  PacketNetwork(const std::vector<PacketLink>& links, const std::vector<PacketMessage>& messages,
                const PacketOptions& options);

  std::vector<double> run();

 private:
  bool per_message() const { return options_.queueing == Queueing::per_message; }
  void add_message(const PacketMessage& given);
  int stage_at(int message, int link);
  void push(double time, EventKind kind, int stage, const Packet& packet = {});
  void handle(const Event& event);
  void start(int message);
  void sent(int stage, const Packet& packet);
  void arrive(int stage, Packet packet);
  void credit(int stage);
  bool has_packet(const Stage& stage) const;
  bool has_room(const Stage& stage, const Packet& packet) const;
  int next_source_way(const Stage& stage) const;
  Packet peek(const Stage& stage) const;
  void take(Stage& stage, const Packet& packet);
  void queue(int stage);
  void serve(int link);
  bool is_last_hop(const Packet& packet) const {
    return packet.hop + 1 == static_cast<int>(messages_[packet.message].stages[packet.way].size());
  }

  const std::vector<PacketLink>& links_;
  const std::vector<PacketMessage>& given_;
  const PacketOptions options_;
  std::vector<Message> messages_;
  std::vector<Stage> stages_;
  std::vector<LinkState> link_states_;
  std::vector<double> ends_;
  std::priority_queue<Event> events_;
  std::uint64_t sequence_ = 0;
  double now_ = 0;
};

PacketNetwork::PacketNetwork(const std::vector<PacketLink>& links,
                             const std::vector<PacketMessage>& messages,
                             const PacketOptions& options)
    : links_(links),
      given_(messages),
      options_(options),
      messages_(messages.size()),
      link_states_(links.size()),
      ends_(messages.size(), std::numeric_limits<double>::infinity()) {
  for (std::size_t l = 0; l < links.size(); ++l) {
    const double round_trip_bytes = links[l].bytes_per_s * 2 * links[l].latency_s;
    link_states_[l].room = static_cast<int>(std::ceil(round_trip_bytes / options.packet_bytes)) +
                           options.spare_packets;
  }
  for (int m = 0; m < static_cast<int>(messages.size()); ++m) {
    for (const int before : messages[m].after) messages_[before].successors.push_back(m);
    messages_[m].awaited = static_cast<int>(messages[m].after.size());
    for (std::size_t w = 0; w < messages[m].ways.size(); ++w) {
      const PacketWay& way = messages[m].ways[w];
      Supply supply;
      supply.left = static_cast<std::int64_t>(
          std::ceil(messages[m].bytes * way.share / options.packet_bytes));
      supply.last_bytes = messages[m].bytes * way.share -
                          static_cast<double>(supply.left - 1) * options.packet_bytes;
      messages_[m].arriving += supply.left;
      messages_[m].supplies.push_back(supply);
      std::vector<int> stages;
      for (const int link : way.links) stages.push_back(stage_at(m, link));
      stages_[stages.front()].source_ways.push_back(static_cast<int>(w));
      messages_[m].stages.push_back(std::move(stages));
    }
    if (messages_[m].awaited == 0) push(messages[m].start_s, EventKind::start, m);
  }
}

// The message's stage at the link, made when it is new. A message's stages are neighbours.
int PacketNetwork::stage_at(int message, int link) {
  for (int s = static_cast<int>(stages_.size()) - 1; s >= 0; --s) {
    if (stages_[s].message != message) break;
    if (stages_[s].link == link) return s;
  }
  stages_.push_back({message, link});
  return static_cast<int>(stages_.size()) - 1;
}

void PacketNetwork::push(double time, EventKind kind, int stage, const Packet& packet) {
  events_.push({time, sequence_++, kind, stage, packet});
}

std::vector<double> PacketNetwork::run() {
  while (!events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.time;
    handle(event);
  }
  if (std::count(ends_.begin(), ends_.end(), std::numeric_limits<double>::infinity()) > 0) {
    throw Deadlock();
  }
  return ends_;
}

void PacketNetwork::handle(const Event& event) {
  switch (event.kind) {
    case EventKind::start:
      return start(event.stage);
    case EventKind::sent:
      return sent(event.stage, event.packet);
    case EventKind::arrive:
      return arrive(event.stage, event.packet);
    case EventKind::credit:
      return credit(event.stage);
  }
}

void PacketNetwork::start(int message) {
  for (const std::vector<int>& way : messages_[message].stages) queue(way.front());
}

// The packet has left the buffer behind the link before, and is on its way.
void PacketNetwork::sent(int stage, const Packet& packet) {
  const int link = stages_[stage].link;
  link_states_[link].busy = false;
  if (per_message() || packet.hop == 0) {  // its next turn comes after those who wait now
    stages_[stage].queued = false;
    queue(stage);
  }
  push(now_ + links_[link].latency_s, EventKind::arrive, stage, packet);
  if (packet.hop > 0) {
    const int before = messages_[packet.message].stages[packet.way][packet.hop - 1];
    push(now_ + links_[stages_[before].link].latency_s, EventKind::credit, before);
  }
  serve(link);
}

void PacketNetwork::arrive(int stage, Packet packet) {
  Message& message = messages_[packet.message];
  if (is_last_hop(packet)) {
    if (--message.arriving > 0) return;
    ends_[stages_[stage].message] = now_;
    for (const int next : message.successors) {
      if (--messages_[next].awaited == 0) {
        push(now_ + given_[next].start_s, EventKind::start, next);
      }
    }
    return;
  }
  ++packet.hop;
  const int next = message.stages[packet.way][packet.hop];
  stages_[next].waiting.push_back(packet);
  queue(next);
}

void PacketNetwork::credit(int stage) {
  --stages_[stage].buffered;
  --link_states_[stages_[stage].link].buffered;
  if (per_message()) {
    queue(stage);
  } else {
    serve(stages_[stage].link);
  }
}

bool PacketNetwork::has_packet(const Stage& stage) const {
  return !stage.waiting.empty() || next_source_way(stage) >= 0;
}

bool PacketNetwork::has_room(const Stage& stage, const Packet& packet) const {
  const LinkState& link = link_states_[stage.link];
  return is_last_hop(packet) || (per_message() ? stage.buffered : link.buffered) < link.room;
}

// The way that is furthest behind its share, -1 when none has packets left.
int PacketNetwork::next_source_way(const Stage& stage) const {
  int best = -1;
  double least = 0;
  for (const int way : stage.source_ways) {
    const Supply& supply = messages_[stage.message].supplies[way];
    const double turn =
        (static_cast<double>(supply.sent) + 0.5) / given_[stage.message].ways[way].share;
    if (supply.left > 0 && (best < 0 || turn < least)) {
      best = way;
      least = turn;
    }
  }
  return best;
}

Packet PacketNetwork::peek(const Stage& stage) const {
  if (!stage.waiting.empty()) return stage.waiting.front();
  const int way = next_source_way(stage);
  const Supply& supply = messages_[stage.message].supplies[way];
  const double bytes = supply.left == 1 ? supply.last_bytes : options_.packet_bytes;
  return {stage.message, way, 0, bytes};
}

void PacketNetwork::take(Stage& stage, const Packet& packet) {
  if (!stage.waiting.empty()) {
    stage.waiting.pop_front();
  } else {
    --messages_[stage.message].supplies[packet.way].left;
    ++messages_[stage.message].supplies[packet.way].sent;
  }
  if (is_last_hop(packet)) return;  // the destination takes in all that comes
  ++stage.buffered;
  ++link_states_[stage.link].buffered;
}

// Gives the stage a turn if it can use one: in shared_fifo each packet has one, in per_message
// each stage that has a packet and room for it.
void PacketNetwork::queue(int index) {
  Stage& stage = stages_[index];
  const bool may_wait = !per_message() && !stage.waiting.empty();
  if (!may_wait) {
    if (stage.queued || !has_packet(stage)) return;
    if (per_message() && !has_room(stage, peek(stage))) return;
    stage.queued = true;
  }
  link_states_[stage.link].turns.push_back(index);
  serve(stage.link);
}

void PacketNetwork::serve(int index) {
  LinkState& link = link_states_[index];
  if (link.busy || link.turns.empty()) return;
  const int turn = link.turns.front();
  Stage& stage = stages_[turn];
  const Packet packet = peek(stage);
  if (!has_room(stage, packet)) return;
  link.turns.pop_front();
  take(stage, packet);
  link.busy = true;
  push(now_ + packet.bytes / links_[index].bytes_per_s, EventKind::sent, turn, packet);
}

}  // namespace

std::vector<double> packet_ends(const std::vector<PacketLink>& links,
                                const std::vector<PacketMessage>& messages,
                                const PacketOptions& options) {
  return PacketNetwork(links, messages, options).run();
}

}  // namespace moesim::testing
