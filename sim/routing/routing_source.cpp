// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/routing_source.h"

#include "sim/routing/numerics_routing.h"
#include "sim/routing/synthetic_routing.h"
#include "sim/routing/trace_routing.h"

namespace moesim::sim {

std::unique_ptr<RoutingSource> make_routing_source(const RoutingConfig& config,
                                                   const RoutingContext& context) {
  switch (config.source) {
    case RoutingSourceKind::numerics:
      return make_numerics_routing(config.proxy, context);
    case RoutingSourceKind::synthetic:
      return make_synthetic_routing(config.synthetic, context);
    case RoutingSourceKind::trace:
      break;
  }
  return read_routing_trace(config.trace, context.demand);
}

}  // namespace moesim::sim
