// SPDX-License-Identifier: Apache-2.0
// Turns plans and costs into the graph of one training step: for every micro-batch the forward pass
// through all layers and the mirrored backward pass, then the gradients' all-reduces and the
// optimizer. Ranks meet in the collectives of their expert-parallel group.
#pragma once

#include <span>
#include <vector>

#include "sim/collectives/all_reduce.h"
#include "sim/collectives/all_to_all.h"
#include "sim/collectives/protocol.h"
#include "sim/cost/layer_cost.h"
#include "sim/plan/dispatch_plan.h"
#include "sim/step/step_graph.h"
#include "topologies/routing.h"

namespace moesim::sim {

struct StepInput {
  const model::ModelSpec& model;
  std::span<const LayerCost* const> costs;  // [ranks of the cluster] of its accelerator
  topologies::Router& router;
  const std::vector<Group>& groups;  // expert-parallel groups, in rank order
  const Placement& placement;        // of every group
  // [micro_batch][MoE layer][group]
  const std::vector<std::vector<std::vector<DispatchPlan>>>& plans;
  WireType dispatch_type = WireType::bf16;
  AllToAll all_to_all = AllToAll::direct;
  AllReduce all_reduce = AllReduce::hierarchical;
  Protocol protocol = {};
};

StepGraph build_step(const StepInput& input);

}  // namespace moesim::sim
