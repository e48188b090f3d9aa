// SPDX-License-Identifier: Apache-2.0
#include "sim/network/network.h"

#include "base/check.h"
#include "sim/network/analytic_network.h"
#include "sim/network/collective_load.h"
#include "sim/network/simgrid/collective_network.h"
#include "sim/network/simgrid/flow_network.h"

namespace moesim::sim {
namespace {

std::unique_ptr<Network> make_analytic_network(topologies::Router& router,
                                               const NetworkOptions& options) {
  return std::make_unique<AnalyticNetwork>(router, options);
}

struct FidelityEntry {
  Fidelity fidelity;
  const char* name;
  std::unique_ptr<Network> (*make)(topologies::Router&, const NetworkOptions&);
};

// Every fidelity there is, the cheapest first: the one place to add another.
constexpr FidelityEntry kFidelities[] = {
    {Fidelity::analytic, "analytic", make_analytic_network},
    {Fidelity::collective, "collective", make_collective_network},
    {Fidelity::flow, "flow", make_flow_network},
};

}  // namespace

base::EnumNames<Fidelity> names_of(Fidelity) {
  base::EnumNames<Fidelity> names;
  for (const FidelityEntry& entry : kFidelities) names.emplace_back(entry.fidelity, entry.name);
  return names;
}

base::Seconds floor_of(topologies::Router& router, const Collective& collective) {
  return load_of(router, collective).floor;
}

std::unique_ptr<Network> make_network(Fidelity fidelity, topologies::Router& router,
                                      const NetworkOptions& options) {
  for (const FidelityEntry& entry : kFidelities) {
    if (entry.fidelity == fidelity) return entry.make(router, options);
  }
  base::fail_check("fidelity is in the table", __FILE__, __LINE__, "an entry is missing");
}

}  // namespace moesim::sim
