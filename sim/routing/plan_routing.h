// SPDX-License-Identifier: Apache-2.0
// Takes the routing of every rank, applies capacity, and counts it into dispatch plans.
#pragma once

#include <functional>
#include <vector>

#include "sim/plan/dispatch_plan.h"
#include "sim/routing/routing_source.h"

namespace moesim::sim {

// [micro_batch][MoE layer][group]
using StepPlans = std::vector<std::vector<std::vector<DispatchPlan>>>;

// `layouts` has one entry per expert-parallel group, in rank order. Works on `num_threads` threads
// with the same result for any number; `progress(done, all)` counts (micro-batch, rank) pairs.
// Checks INV-1 on every plan.
StepPlans plan_routing(const RoutingSource& source, const RoutingContext& context,
                       const std::vector<GroupLayout>& layouts,
                       const std::function<void(int, int)>& progress = {});

}  // namespace moesim::sim
