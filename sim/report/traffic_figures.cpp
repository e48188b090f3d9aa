// SPDX-License-Identifier: Apache-2.0
#include "sim/report/traffic_figures.h"

#include <algorithm>

namespace moesim::sim {
namespace {

bool is_all_to_all(const Op& op) {
  return op.collective >= 0 &&
         (op.label.phase == Phase::dispatch || op.label.phase == Phase::combine);
}

// Bytes that each rank sends to and receives from others.
struct Exchange {
  std::vector<double> sent;      // [rank]
  std::vector<double> received;  // [rank]
  double inter_node = 0;
};

Exchange sum_up(const Collective& collective, const topologies::Cluster& cluster) {
  Exchange exchange;
  exchange.sent.assign(cluster.num_ranks(), 0);
  exchange.received.assign(cluster.num_ranks(), 0);
  for (const topologies::Transfer& transfer : collective.transfers) {
    const double bytes = transfer.bytes.value;
    if (transfer.source == transfer.destination) continue;
    exchange.sent[transfer.source] += bytes;
    exchange.received[transfer.destination] += bytes;
    if (cluster.node_of_rank(transfer.source) != cluster.node_of_rank(transfer.destination)) {
      exchange.inter_node += bytes;
    }
  }
  return exchange;
}

// The rank whose accelerator or NIC stands at one end of a link.
std::optional<int> rank_of_link(const topologies::Cluster& cluster, const topologies::Link& link) {
  for (const int end : {link.to, link.from}) {
    const topologies::Vertex& vertex = cluster.vertices[end];
    if (vertex.rank >= 0) return vertex.rank;
  }
  return std::nullopt;
}

}  // namespace

AllToAllFigures all_to_all_figures(const StepGraph& graph, const Timeline& timeline,
                                   const topologies::Cluster& cluster) {
  AllToAllFigures figures;
  double send_total = 0;  // S summed over all-to-alls
  double bus_total = 0;   // S (n-1)/n summed
  double time_total = 0;
  double participants = 0;
  int count = 0;
  for (std::size_t index = 0; index < graph.ops.size(); ++index) {
    const Op& op = graph.ops[index];
    if (!is_all_to_all(op)) continue;
    const Collective& collective = graph.collectives[op.collective];
    const Exchange exchange = sum_up(collective, cluster);
    const auto n = static_cast<double>(collective.ranks.size());
    participants += n;
    send_total += collective.payload.value;
    bus_total += collective.payload.value / n * (n - 1) / n;
    time_total += (timeline.ops[index].end - timeline.ops[index].start).value;
    figures.inter_node_bytes += exchange.inter_node;
    for (const int rank : collective.ranks) {
      figures.max_send_bytes = std::max(figures.max_send_bytes, exchange.sent[rank]);
      figures.max_receive_bytes = std::max(figures.max_receive_bytes, exchange.received[rank]);
    }
    ++count;
  }
  if (count > 0) figures.mean_send_bytes = send_total / participants;
  if (time_total > 0) figures.busbw_gbps = bus_total / time_total / 1e9;
  return figures;
}

std::vector<LinkFigures> hottest_links(const StepGraph& graph, base::Seconds step_time,
                                       topologies::Router& router, int most) {
  const topologies::Cluster& cluster = router.cluster();
  std::vector<double> bytes(cluster.links.size(), 0);
  for (const Collective& collective : graph.collectives) {
    for (const topologies::LinkLoad& load : topologies::link_loads(router, collective.transfers)) {
      bytes[load.link] += load.bytes.value;
    }
  }
  std::vector<LinkFigures> figures;
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (bytes[index] == 0) continue;
    const topologies::Link& link = cluster.links[index];
    const double capacity = (link.bandwidth * step_time).value;
    figures.push_back(
        {link.name, bytes[index], bytes[index] / capacity, rank_of_link(cluster, link)});
  }
  std::stable_sort(figures.begin(), figures.end(), [](const LinkFigures& a, const LinkFigures& b) {
    return a.busy_fraction > b.busy_fraction;
  });
  if (static_cast<int>(figures.size()) > most) figures.resize(most);
  return figures;
}

}  // namespace moesim::sim
