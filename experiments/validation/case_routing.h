// SPDX-License-Identifier: Apache-2.0
// The routing that a measured dispatch or combine ran with, drawn anew: every token's own experts,
// by random scores, counted into a plan.
#pragma once

#include <memory>

#include "experiments/validation/measured_case.h"
#include "sim/collectives/participants.h"
#include "sim/plan/dispatch_plan.h"

namespace moesim::experiments {

// Routing as published benchmarks draw it: independent scores for every token and expert. Where
// nodes_per_token is less than the group's nodes, a token first keeps the nodes with the highest
// scores and then chooses among their experts (github deepseek-ai/DeepEP,
// tests/test_internode.py). Throws base::Error where experts and ranks do not fit.
sim::DispatchPlan draw_plan(const MeasuredCase& measured, const sim::Group& group, int num_threads);

// Whether two cases have the same plan for the same group.
bool same_routing(const MeasuredCase& a, const MeasuredCase& b);

// Rows of a rank, on average over ranks, that `counted` counts.
double mean_rows(const sim::DispatchPlan& plan, CountedRows counted);

}  // namespace moesim::experiments
