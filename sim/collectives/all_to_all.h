// SPDX-License-Identifier: Apache-2.0
// The all-to-all-v that carries a MoE layer's tokens to their experts and back.
#pragma once

#include <string>
#include <vector>

#include "base/json_reader.h"
#include "sim/collectives/collective.h"
#include "sim/plan/dispatch_plan.h"

namespace moesim::sim {

// direct: every (token, expert) pair is its own row, sent straight to the expert's rank.
// hierarchical_dedup: one copy per (token, destination node) crosses the fabric to the rank with
// the sender's local index there (the node's first of the group where there is none), which
// forwards one copy per (token, rank) over the scale-up link; the combine goes the same way back,
// summed at each stop (DeepEP, github deepseek-ai/DeepEP, README). Both stages are pipelined, so
// they load their links at the same time.
enum class AllToAll { direct, hierarchical_dedup };
base::EnumNames<AllToAll> names_of(AllToAll);

enum class Direction { to_experts, from_experts };

// The expert-parallel group's ranks: global rank and position inside its node (local index).
struct Group {
  std::vector<int> ranks;        // global, ascending
  std::vector<int> local_index;  // [ranks] accelerator index inside the node
  GroupLayout layout;
};

// Messages of one dispatch or combine of `plan`, each row of `bytes_per_row` bytes; `from_experts`
// is the exact transpose of `to_experts`. Transfers are in global ranks, in an order fixed by the
// plan alone; a rank's bytes to itself are among them (they cost nothing).
// The payload is that of all kept pairs, whatever the algorithm saves or forwards.
Collective all_to_all(AllToAll algorithm, const Group& group, const DispatchPlan& plan,
                      Direction direction, base::Bytes bytes_per_row);

// Bytes a token's hidden state takes on the wire: bf16 2 per value; fp8 1 per value and a 4-byte
// scale per 128 values (DeepSeek-V3, arXiv 2412.19437, section 3.3).
enum class WireType { bf16, fp8 };
base::EnumNames<WireType> names_of(WireType);
base::Bytes row_bytes(WireType type, int hidden_size);

}  // namespace moesim::sim
