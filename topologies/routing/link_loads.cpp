// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "topologies/routing.h"
#include "topologies/routing/router_state.h"

namespace moesim::topologies {

struct LinkLoader {
  Router::State& state;
  std::vector<base::Bytes> bytes;

  void add_routes(std::span<const Transfer> transfers) {
    for (const Transfer& transfer : transfers) {
      if (!is_sent(transfer)) continue;
      const auto add = [&](int link) { bytes[link] += transfer.bytes; };
      if (!state.walker->walk(transfer.source, transfer.destination, add)) {
        state.fail(transfer.source, transfer.destination);
      }
    }
  }

  void add_sprayed(std::span<const Transfer> transfers) {
    NextHops& next = state.walker->next();
    Spreader spreader(next, bytes);
    for (const Transfer& transfer : transfers) {
      if (!is_sent(transfer)) continue;
      int vertex = state.cluster.vertex_of_endpoint(transfer.source);
      const int goal = state.cluster.vertex_of_endpoint(transfer.destination);
      const int forwarder = state.options.rail_forwarding
                                ? state.walker->forwarder(transfer.source, transfer.destination)
                                : -1;
      bool has_way = true;
      if (forwarder >= 0) {
        has_way = spreader.add(vertex, next.towards(forwarder), transfer.bytes);
        vertex = forwarder;
      }
      if (!has_way || !spreader.add(vertex, next.towards(goal), transfer.bytes)) {
        state.fail(transfer.source, transfer.destination);
      }
    }
    spreader.finish();
  }

  bool is_sent(const Transfer& transfer) const {
    state.check_pair(transfer.source, transfer.destination);
    return transfer.bytes.value > 0 && transfer.source != transfer.destination;
  }
};

std::vector<LinkLoad> link_loads(Router& router, std::span<const Transfer> transfers) {
  Router::State& state = *router.state_;
  LinkLoader loader{state, std::vector<base::Bytes>(state.cluster.links.size())};
  if (state.options.policy == RoutingPolicy::spray) {
    loader.add_sprayed(transfers);
  } else {
    loader.add_routes(transfers);
  }
  std::vector<LinkLoad> loads;
  for (std::size_t link = 0; link < loader.bytes.size(); ++link) {
    if (loader.bytes[link].value > 0) loads.push_back({static_cast<int>(link), loader.bytes[link]});
  }
  return loads;
}

}  // namespace moesim::topologies
