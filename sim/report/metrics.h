// SPDX-License-Identifier: Apache-2.0
// The figures of an executed step, computed from the plans, the graph and the timeline alone.
#pragma once

#include "sim/cost/layer_cost.h"
#include "sim/report/result.h"
#include "sim/report/timeline.h"
#include "sim/routing/plan_routing.h"
#include "sim/scenario.h"
#include "sim/step/step_graph.h"
#include "topologies/routing.h"

namespace moesim::sim {

struct MetricsInput {
  const Scenario& scenario;
  const Sizes& sizes;
  const RoutingSource& source;
  const Placement& placement;
  const StepPlans& plans;
  const StepGraph& graph;
  const Timeline& timeline;
  topologies::Router& router;
  base::Seconds floor;  // end of the same graph on the analytic network
};

// Everything but `scenario.swept`. Checks INV-4 (never below the floor, to 1e-9) and that the
// phases sum to the step time.
Result compute_result(const MetricsInput& input);

}  // namespace moesim::sim
