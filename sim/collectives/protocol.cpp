// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/protocol.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "sim/collectives/handling.h"

namespace moesim::sim {
namespace {

using topologies::LinkKind;

double efficiency_of(LinkKind kind, const Protocol& protocol) {
  return kind == LinkKind::scale_up ? protocol.scale_up_efficiency : protocol.network_efficiency;
}

// An accelerator's links of one kind and direction.
struct Side {
  int vertex = 0;
  LinkKind kind = LinkKind::scale_up;
  bool out = false;

  auto operator<=>(const Side&) const = default;
};

std::vector<Side> sides_of(const topologies::Cluster& cluster, const topologies::Link& link) {
  std::vector<Side> sides;
  for (const auto& [vertex, out] : {std::pair(link.from, true), std::pair(link.to, false)}) {
    if (cluster.vertices[vertex].kind == topologies::VertexKind::accelerator) {
      sides.push_back({vertex, link.kind, out});
    }
  }
  return sides;
}

void limit_to_multiprocessors(topologies::Cluster& cluster, base::BytesPerSecond limit) {
  std::map<Side, base::BytesPerSecond> together;
  for (const topologies::Link& link : cluster.links) {
    for (const Side& side : sides_of(cluster, link)) together[side] += link.bandwidth;
  }
  for (topologies::Link& link : cluster.links) {
    double factor = 1;
    for (const Side& side : sides_of(cluster, link)) {
      factor = std::min(factor, limit / together[side]);
    }
    link.bandwidth = link.bandwidth * factor;
  }
}

bool moves_bytes(const topologies::Transfer& transfer) {
  return transfer.bytes.value > 0 && transfer.source != transfer.destination;
}

// The most messages that any sender has among transfers [begin, end).
std::int64_t most_messages(const Collective& collective, std::size_t begin, std::size_t end) {
  std::map<int, std::int64_t> of_sender;
  std::int64_t most = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const topologies::Transfer& transfer = collective.transfers[i];
    if (!moves_bytes(transfer)) continue;
    const std::int64_t here = collective.messages.empty() ? 1 : collective.messages[i];
    most = std::max(most, of_sender[transfer.source] += here);
  }
  return most;
}

base::BytesPerSecond slowest_link(topologies::Router& router, int source, int destination) {
  base::BytesPerSecond slowest(std::numeric_limits<double>::infinity());
  for (const topologies::Path& path : router.paths(source, destination)) {
    for (const int link : path.links) {
      slowest = std::min(slowest, router.cluster().links[link].bandwidth);
    }
  }
  return slowest;
}

void pay_per_message(Collective& collective, base::Seconds message_latency) {
  if (message_latency.value == 0) return;
  const auto cost = [&](std::size_t begin, std::size_t end) {
    return static_cast<double>(most_messages(collective, begin, end)) * message_latency;
  };
  if (collective.rounds.empty()) {
    collective.protocol_latency += cost(0, collective.transfers.size());
    return;
  }
  collective.protocol_latency += cost(0, collective.rounds[0].end);
  for (std::size_t round = 1; round < collective.rounds.size(); ++round) {
    Round& waiting = collective.rounds[round];
    waiting.latency += cost(collective.rounds[round - 1].end, waiting.end);
  }
}

void fill_pipeline(Collective& collective, base::Bytes chunk, topologies::Router& router) {
  if (chunk.value == 0) return;
  for (const PipelineStage& stage : collective.pipeline) {
    const base::Bytes first = std::min(chunk, stage.hop.bytes);
    collective.protocol_latency +=
        static_cast<double>(stage.times) *
        (first / slowest_link(router, stage.hop.source, stage.hop.destination));
  }
}

}  // namespace

void add_fields(base::FieldTable& table, Protocol& protocol) {
  table.field("preset", protocol.preset,
              "A file in sim/collectives/presets; the other keys replace its values.");
  table
      .field("kernel_latency", protocol.kernel_latency,
             "Added once to every collective: launch, set-up, closing barrier.")
      .at_least(0);
  table
      .field("message_latency", protocol.message_latency,
             "Added for each message that the busiest sender of a round sends in it.")
      .at_least(0);
  table
      .field("chunk_bytes", protocol.chunk_bytes,
             "What a pipelined algorithm passes on at a time; the other stages each wait for one "
             "such chunk. 0 B: infinitely fine.")
      .at_least(0);
  table
      .field("chunk_overhead", protocol.chunk_overhead,
             "What each chunk costs where bytes pass through a buffer in as many chunks as are "
             "best.")
      .at_least(0);
  table
      .field("row_latency", protocol.row_latency,
             "What a multiprocessor spends on each token of a dispatch or combine beside its "
             "bytes.")
      .at_least(0)
      .used_when(protocol.comm_sms > 0, "comm_sms is above 0");
  table
      .field("sum_bandwidth", protocol.sum_bandwidth,
             "At which a combine adds up the rows of the last token. 0 B/s: at once.")
      .at_least(0);
  table
      .field("scale_up_latency_share", protocol.scale_up_latency_share,
             "Share of the scale-up links' latency that a running kernel sees.")
      .at_least(0)
      .at_most(1);
  table
      .field("scale_up_efficiency", protocol.scale_up_efficiency,
             "Achieved share of scale-up links' bandwidth.")
      .above(0)
      .at_most(1);
  table
      .field("network_efficiency", protocol.network_efficiency,
             "Achieved share of PCIe, NIC and fabric links' bandwidth.")
      .above(0)
      .at_most(1);
  table
      .field("comm_sms", protocol.comm_sms,
             "Multiprocessors that move a collective's data; with sm_bandwidth they limit each "
             "accelerator. 0: no limit.")
      .at_least(0)
      .at_most(1 << 16)
      .used_when(protocol.sm_bandwidth.value > 0 || protocol.row_latency.value > 0,
                 "sm_bandwidth or row_latency is above 0");
  table
      .field("sm_bandwidth", protocol.sm_bandwidth,
             "What one of them moves, one direction. 0 B/s: no limit.")
      .at_least(0)
      .used_when(protocol.comm_sms > 0, "comm_sms is above 0");
  table
      .field("reserved_sms", protocol.reserved_sms,
             "Multiprocessors that communication keeps throughout, so that compute is without "
             "them.")
      .at_least(0)
      .at_most(1 << 16);
  table.field("sources", protocol.sources, "Where each number comes from, by key.");
}

void describe(base::FieldTable& table, Protocol& protocol) {
  table.title("protocol", "What a communication library adds to the bytes of a collective.");
  add_fields(table, protocol);
}

void validate(const Protocol& protocol, const topologies::Accelerator& accelerator,
              const std::string& where) {
  if (protocol.reserved_sms == 0) return;
  if (!accelerator.num_sms) {
    throw base::Error(where + "/reserved_sms",
                      "the accelerator does not say how many multiprocessors it has",
                      "set cluster.node.accelerator.num_sms, or leave reserved_sms out");
  }
  if (protocol.reserved_sms < *accelerator.num_sms) return;
  throw base::Error(where + "/reserved_sms",
                    std::to_string(protocol.reserved_sms) + " of " +
                        std::to_string(*accelerator.num_sms) +
                        " multiprocessors leave none to compute",
                    "use at most " + std::to_string(*accelerator.num_sms - 1));
}

topologies::Cluster achieved(topologies::Cluster cluster, const Protocol& protocol) {
  for (topologies::Link& link : cluster.links) {
    link.bandwidth = link.bandwidth * efficiency_of(link.kind, protocol);
    if (link.kind == LinkKind::scale_up) {
      link.latency = protocol.scale_up_latency_share * link.latency;
    }
  }
  if (protocol.comm_sms > 0 && protocol.sm_bandwidth.value > 0) {
    limit_to_multiprocessors(cluster,
                             static_cast<double>(protocol.comm_sms) * protocol.sm_bandwidth);
  }
  return cluster;
}

topologies::Accelerator computing(topologies::Accelerator accelerator, const Protocol& protocol) {
  if (protocol.reserved_sms == 0) return accelerator;
  CHECK(accelerator.num_sms && protocol.reserved_sms < *accelerator.num_sms,
        "validate() has seen the protocol");
  const int left = *accelerator.num_sms - protocol.reserved_sms;
  accelerator.achievable_bf16 =
      accelerator.achievable_bf16 * (static_cast<double>(left) / *accelerator.num_sms);
  accelerator.num_sms = left;
  return accelerator;
}

Collective with_protocol(Collective collective, const Protocol& protocol,
                         topologies::Router& router) {
  if (std::none_of(collective.transfers.begin(), collective.transfers.end(), moves_bytes)) {
    return collective;
  }
  collective.protocol_latency += protocol.kernel_latency;
  pay_per_message(collective, protocol.message_latency);
  fill_pipeline(collective, protocol.chunk_bytes, router);
  collective.protocol_latency += handling_latency(collective, protocol, router);
  return collective;
}

}  // namespace moesim::sim
