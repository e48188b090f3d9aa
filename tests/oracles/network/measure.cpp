// SPDX-License-Identifier: Apache-2.0
#include "tests/oracles/network/measure.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "tests/support/in_child_process.h"
#include "tests/support/max_min_solver.h"
#include "tests/support/oracle_input.h"

namespace moesim::testing {

double end_of(sim::Fidelity fidelity, const Fabric& fabric, const sim::Collective& collective) {
  return in_child_process([&] {
           topologies::Router router(fabric.cluster, fabric.routing);
           const auto network = sim::make_network(fidelity, router);
           std::vector<double> ends;
           network->start(collective,
                          [&](const sim::CollectiveEnd& end) { ends.push_back(end.end.value); });
           network->run();
           return ends;
         })
      .at(0);
}

std::vector<double> message_ends(const Fabric& fabric, const sim::Collective& collective) {
  return in_child_process([&] {
    topologies::Router router(fabric.cluster, fabric.routing);
    const auto network = sim::make_network(sim::Fidelity::flow, router);
    const std::vector<int> messages = messages_of(collective);
    std::vector<double> ends(messages.size());
    for (std::size_t m = 0; m < messages.size(); ++m) {
      sim::Collective message;
      message.ranks = collective.ranks;
      message.transfers = {collective.transfers[static_cast<std::size_t>(messages[m])]};
      message.protocol_latency = collective.protocol_latency;
      network->start(message,
                     [&ends, m](const sim::CollectiveEnd& end) { ends[m] = end.end.value; });
    }
    network->run();
    return ends;
  });
}

std::vector<double> solver_ends(const Fabric& fabric, const sim::Collective& collective) {
  topologies::Router router(fabric.cluster, fabric.routing);
  const MessageFlows flows = flows_of(router, collective);
  return fold_ways(flows, max_min_ends(capacities_of(fabric.cluster), flows.flows));
}

std::vector<double> packet_ends(const Fabric& fabric, const sim::Collective& collective,
                                const PacketOptions& options) {
  topologies::Router router(fabric.cluster, fabric.routing);
  return packet_ends(packet_links_of(fabric.cluster), packet_messages_of(router, collective),
                     options);
}

double latest(const std::vector<double>& ends) {
  return *std::max_element(ends.begin(), ends.end());
}

double relative_difference(double a, double b) { return std::abs(a - b) / b; }

}  // namespace moesim::testing
