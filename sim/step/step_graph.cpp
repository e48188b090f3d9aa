// SPDX-License-Identifier: Apache-2.0
#include "sim/step/step_graph.h"

#include <array>

#include "base/check.h"

namespace moesim::sim {
namespace {

constexpr std::array<std::string_view, kNumPhases> kPhaseNames = {
    "embedding", "attention", "router", "dispatch",   "expert",    "shared_expert",
    "dense_ffn", "combine",   "head",   "all_reduce", "optimizer",
};

}  // namespace

std::string_view name_of(Phase phase) { return kPhaseNames[static_cast<std::size_t>(phase)]; }

std::string to_text(const OpLabel& label) {
  std::string text(name_of(label.phase));
  if (label.layer >= 0) text += " L" + std::to_string(label.layer);
  if (label.micro_batch >= 0) text += " mb" + std::to_string(label.micro_batch);
  if (label.micro_batch >= 0) text += label.backward ? " bwd" : " fwd";
  return text;
}

int StepGraph::add(Op op, const std::vector<int>& waits_for) {
  const int index = static_cast<int>(ops.size());
  for (const int predecessor : waits_for) {
    CHECK(predecessor >= 0 && predecessor < index, "operations are added in dependency order");
  }
  ops.push_back(op);
  predecessors.insert(predecessors.end(), waits_for.begin(), waits_for.end());
  first_predecessor.push_back(static_cast<int>(predecessors.size()));
  return index;
}

}  // namespace moesim::sim
