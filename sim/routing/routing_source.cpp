// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/routing_source.h"

#include "base/check.h"
#include "sim/routing/numerics_routing.h"
#include "sim/routing/synthetic_routing.h"
#include "sim/routing/trace_routing.h"

namespace moesim::sim {

void RoutingSource::stream_choices(int micro_batch, int rank, const ChoiceSink& sink) const {
  CHECK(!applies_capacity(), "choices alone do not say which pairs are kept");
  const std::vector<model::RoutingBatch> layers = route(micro_batch, rank);
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    sink(static_cast<int>(layer), layers[layer].experts);
  }
}

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
