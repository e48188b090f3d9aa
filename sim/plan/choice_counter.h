// SPDX-License-Identifier: Apache-2.0
// Counts tokens' choices as they are drawn, where nothing is dropped and every expert has one rank:
// what count_source() counts, without a batch, in a few instructions a pair.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "sim/plan/dispatch_plan.h"

namespace moesim::sim {

class ChoiceCounter {
 public:
  virtual ~ChoiceCounter() = default;

  // Counts whole tokens, [tokens, top_k]: distinct experts of the placement, all kept.
  virtual void add(std::span<const std::int32_t> experts) = 0;

  // The counts since the last call.
  virtual SourceCounts take() = 0;
};

// Null where an expert has replicas, which take turns by token, or where the group's ranks and
// nodes are more than 1,024 together.
std::unique_ptr<ChoiceCounter> make_choice_counter(const Placement& placement,
                                                   const GroupLayout& layout, int top_k);

}  // namespace moesim::sim
