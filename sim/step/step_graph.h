// SPDX-License-Identifier: Apache-2.0
// One training step as a graph of plain values: compute operations of ranks, collectives among
// ranks, and who waits for whom. Built by step_builder, executed by sim/execute.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "sim/collectives/collective.h"

namespace moesim::sim {

enum class Phase {
  embedding,
  attention,
  router,
  dispatch,
  expert,
  shared_expert,
  dense_ffn,
  combine,
  head,
  all_reduce,
  optimizer,
};
inline constexpr int kNumPhases = 11;
std::string_view name_of(Phase phase);  // the result's keys: "attention", "dispatch", ...

// What an operation is, for people and for attribution.
struct OpLabel {
  Phase phase = Phase::attention;
  int layer = -1;        // -1: not of one layer
  int micro_batch = -1;  // -1: once a step
  bool backward = false;

  bool operator==(const OpLabel&) const = default;
};

// "expert L3 mb0 bwd"
std::string to_text(const OpLabel& label);

struct Op {
  OpLabel label;
  int rank = -1;           // compute: whose compute stream it runs on; -1: a collective
  base::Seconds duration;  // compute
  int collective = -1;     // collective: index into StepGraph::collectives
};

struct StepGraph {
  int num_ranks = 0;       // of the cluster
  std::vector<int> ranks;  // those that take part, ascending
  std::vector<Op> ops;
  std::vector<Collective> collectives;
  // Operation i starts when all of predecessors[first_predecessor[i] .. first_predecessor[i+1])
  // have ended. Predecessors have lower indices.
  std::vector<int> first_predecessor{0};
  std::vector<int> predecessors;

  // Appends and returns the index.
  int add(Op op, const std::vector<int>& waits_for);
};

}  // namespace moesim::sim
