// SPDX-License-Identifier: Apache-2.0
// The figures of an executed step, computed from the plans, the graph and the timeline alone.
#pragma once

#include "sim/cost/layer_cost.h"
#include "sim/report/result.h"
#include "sim/report/timeline.h"
#include "sim/report/traffic_figures.h"
#include "sim/routing/plan_routing.h"
#include "sim/scenario.h"
#include "sim/step/step_graph.h"

namespace moesim::sim {

struct MetricsInput {
  const Scenario& scenario;
  const Sizes& sizes;
  const RoutingSource& source;
  const Placement& placement;
  const StepPlans& plans;
  const StepGraph& graph;
  const Timeline& timeline;
  ChangingCluster cluster;
  base::Seconds floor;  // end of the same graph on the analytic network where nothing changes
  CostTables& tables;   // what the step's computations were timed by
};

// Everything but `scenario.swept`. Checks INV-4 (never below the floor, to 1e-9, on a cluster that
// does not change: ways around a failure may be the better ones) and that the phases sum to the
// step time.
Result compute_result(const MetricsInput& input);

}  // namespace moesim::sim
