// SPDX-License-Identifier: Apache-2.0
#include "sim/report/traffic_figures.h"

#include <algorithm>
#include <map>
#include <tuple>

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

// Kind of link, and the tiers that it joins.
using TierKey = std::tuple<topologies::LinkKind, int, int>;

TierKey tier_of(const topologies::Cluster& cluster, const topologies::Link& link) {
  if (link.kind != topologies::LinkKind::fabric) return {link.kind, 0, 0};
  const int a = cluster.vertices[link.from].tier;
  const int b = cluster.vertices[link.to].tier;
  return {link.kind, std::min(a, b), std::max(a, b)};
}

std::string name_of(const TierKey& key) {
  switch (std::get<0>(key)) {
    case topologies::LinkKind::scale_up:
      return "scale_up";
    case topologies::LinkKind::pcie:
      return "pcie";
    case topologies::LinkKind::nic:
      return "nic";
    case topologies::LinkKind::fabric:
      break;
  }
  return "fabric " + std::to_string(std::get<1>(key)) + "-" + std::to_string(std::get<2>(key));
}

// Operations that are collectives, in the order of their starts where the cluster changes.
std::vector<int> collective_ops(const StepGraph& graph, const Timeline& timeline, bool by_start) {
  std::vector<int> ops;
  for (std::size_t index = 0; index < graph.ops.size(); ++index) {
    if (graph.ops[index].collective >= 0) ops.push_back(static_cast<int>(index));
  }
  if (by_start) {
    std::stable_sort(ops.begin(), ops.end(),
                     [&](int a, int b) { return timeline.ops[a].start < timeline.ops[b].start; });
  }
  return ops;
}

// What one link carries of a step, and the time that it takes at full rate.
struct LinkTotal {
  double bytes = 0;
  base::Seconds time;
};

using Tiers = std::map<TierKey, TierFigures>;

// [links]; adds what collectives of each tier are bound by to `tiers`.
std::vector<LinkTotal> total_loads(const StepGraph& graph, const Timeline& timeline,
                                   const ChangingCluster& changing, Tiers& tiers) {
  const topologies::Cluster& cluster = changing.router.cluster();
  std::vector<LinkTotal> totals(cluster.links.size());
  auto change = changing.changes.begin();
  for (const int index : collective_ops(graph, timeline, !changing.changes.empty())) {
    const OpTimes& times = timeline.ops[index];
    for (; change != changing.changes.end() && change->at <= changing.start + times.start;
         ++change) {
      changing.router.apply(change->links);
    }
    const Collective& collective = graph.collectives[graph.ops[index].collective];
    int busiest = -1;
    base::Seconds longest;
    for (const auto& load : topologies::link_loads(changing.router, collective.transfers)) {
      const base::Seconds time = load.bytes / cluster.links[load.link].bandwidth;
      totals[load.link].bytes += load.bytes.value;
      totals[load.link].time += time;
      if (time <= longest) continue;
      longest = time;
      busiest = load.link;
    }
    if (busiest < 0) continue;
    tiers[tier_of(cluster, cluster.links[busiest])].bound_time_s += (times.end - times.start).value;
  }
  return totals;
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

LinkReport link_report(const StepGraph& graph, const Timeline& timeline, base::Seconds step_time,
                       const ChangingCluster& changing, int most) {
  const topologies::Cluster& cluster = changing.router.cluster();
  Tiers tiers;
  const std::vector<LinkTotal> totals = total_loads(graph, timeline, changing, tiers);
  LinkReport report;
  for (std::size_t index = 0; index < totals.size(); ++index) {
    const LinkTotal& total = totals[index];
    if (total.bytes == 0) continue;
    const topologies::Link& link = cluster.links[index];
    const double busy = total.time / step_time;
    report.hottest.push_back({link.name, total.bytes, busy, rank_of_link(cluster, link)});
    TierFigures& tier = tiers[tier_of(cluster, link)];
    tier.bytes += total.bytes;
    tier.busy_fraction = std::max(tier.busy_fraction, busy);
  }
  std::stable_sort(
      report.hottest.begin(), report.hottest.end(),
      [](const LinkFigures& a, const LinkFigures& b) { return a.busy_fraction > b.busy_fraction; });
  if (static_cast<int>(report.hottest.size()) > most) report.hottest.resize(most);
  double most_bound = 0;
  for (auto& [key, tier] : tiers) {
    tier.tier = name_of(key);
    if (tier.bound_time_s > most_bound) report.deciding_tier = tier.tier;
    most_bound = std::max(most_bound, tier.bound_time_s);
    report.tiers.push_back(tier);
  }
  return report;
}

}  // namespace moesim::sim
