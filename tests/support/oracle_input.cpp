// SPDX-License-Identifier: Apache-2.0
#include "tests/support/oracle_input.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace moesim::testing {
namespace {

// What a message waits for: places in messages_of, and the time that passes after their arrival.
struct Wait {
  std::vector<int> after;
  double delay_s = 0;
};

bool share_an_end(const topologies::Transfer& a, const topologies::Transfer& b) {
  return a.source == b.source || a.source == b.destination || a.destination == b.source ||
         a.destination == b.destination;
}

// Of messages [0, first), those that share an end with `message`.
std::vector<int> before(const sim::Collective& collective, const std::vector<int>& messages,
                        std::size_t first, const topologies::Transfer& message) {
  std::vector<int> before;
  for (std::size_t earlier = 0; earlier < first; ++earlier) {
    if (share_an_end(message, collective.transfers[messages[earlier]])) {
      before.push_back(static_cast<int>(earlier));
    }
  }
  return before;
}

std::vector<Wait> waits_of(const sim::Collective& collective, const std::vector<int>& messages) {
  std::vector<sim::Round> rounds = collective.rounds;
  if (rounds.empty()) rounds.push_back({collective.transfers.size(), base::Seconds(0)});
  std::vector<Wait> waits;
  std::size_t next = 0;
  for (const sim::Round& round : rounds) {
    const std::size_t first = next;
    for (; next < messages.size() && messages[next] < static_cast<int>(round.end); ++next) {
      Wait wait;
      wait.after = before(collective, messages, first, collective.transfers[messages[next]]);
      wait.delay_s = round.latency.value;
      if (wait.after.empty()) wait.delay_s += collective.protocol_latency.value;
      waits.push_back(wait);
    }
  }
  return waits;
}

}  // namespace

std::vector<int> messages_of(const sim::Collective& collective) {
  std::vector<int> messages;
  for (std::size_t i = 0; i < collective.transfers.size(); ++i) {
    const topologies::Transfer& transfer = collective.transfers[i];
    if (transfer.bytes.value > 0 && transfer.source != transfer.destination) {
      messages.push_back(static_cast<int>(i));
    }
  }
  return messages;
}

std::vector<double> capacities_of(const topologies::Cluster& cluster) {
  std::vector<double> capacities;
  for (const topologies::Link& link : cluster.links) capacities.push_back(link.bandwidth.value);
  return capacities;
}

MessageFlows flows_of(topologies::Router& router, const sim::Collective& collective) {
  const std::vector<int> messages = messages_of(collective);
  const std::vector<Wait> waits = waits_of(collective, messages);
  MessageFlows all;
  std::vector<std::vector<int>> flows_of_message(messages.size());
  for (std::size_t m = 0; m < messages.size(); ++m) {
    const topologies::Transfer& transfer = collective.transfers[messages[m]];
    for (const topologies::Path& way : router.paths(transfer.source, transfer.destination)) {
      Flow flow;
      flow.links.assign(way.links.begin(), way.links.end());
      flow.bytes = std::ceil(transfer.bytes.value * way.share);
      flow.weight = way.share;
      flow.start_s = waits[m].delay_s + router.latency(transfer.source, transfer.destination).value;
      for (const int before : waits[m].after) {
        const std::vector<int>& awaited = flows_of_message[before];
        flow.after.insert(flow.after.end(), awaited.begin(), awaited.end());
      }
      flows_of_message[m].push_back(static_cast<int>(all.flows.size()));
      all.flows.push_back(std::move(flow));
      all.message.push_back(static_cast<int>(m));
    }
  }
  return all;
}

std::vector<double> fold_ways(const MessageFlows& flows, const std::vector<double>& ends) {
  std::vector<double> messages;
  for (std::size_t f = 0; f < ends.size(); ++f) {
    const auto m = static_cast<std::size_t>(flows.message[f]);
    if (m == messages.size()) messages.push_back(0);
    messages[m] = std::max(messages[m], ends[f]);
  }
  return messages;
}

std::vector<PacketLink> packet_links_of(const topologies::Cluster& cluster) {
  std::vector<PacketLink> links;
  for (const topologies::Link& link : cluster.links) {
    links.push_back({link.bandwidth.value, link.latency.value});
  }
  return links;
}

std::vector<PacketMessage> packet_messages_of(topologies::Router& router,
                                              const sim::Collective& collective) {
  const std::vector<int> messages = messages_of(collective);
  const std::vector<Wait> waits = waits_of(collective, messages);
  std::vector<PacketMessage> packets;
  for (std::size_t m = 0; m < messages.size(); ++m) {
    const topologies::Transfer& transfer = collective.transfers[messages[m]];
    PacketMessage message;
    message.bytes = transfer.bytes.value;
    for (const topologies::Path& way : router.paths(transfer.source, transfer.destination)) {
      message.ways.push_back({{way.links.begin(), way.links.end()}, way.share});
    }
    message.start_s = waits[m].delay_s;
    message.after = waits[m].after;
    packets.push_back(std::move(message));
  }
  return packets;
}

}  // namespace moesim::testing
