// SPDX-License-Identifier: Apache-2.0
// Routing by a real gate: the proxy of model/proxy.h, trained on real text.
#pragma once

#include <memory>

#include "sim/routing/routing_source.h"

namespace moesim::sim {

// Trains the proxy. Throws base::Error when the text is missing or too short.
std::unique_ptr<RoutingSource> make_numerics_routing(const ProxySettings& settings,
                                                     const RoutingContext& context);

}  // namespace moesim::sim
