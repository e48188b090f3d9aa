// SPDX-License-Identifier: Apache-2.0
// The all-to-all-v that carries a MoE layer's tokens to their experts and back.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "sim/collectives/collective.h"
#include "sim/collectives/participants.h"
#include "sim/plan/dispatch_plan.h"

namespace moesim::sim {

// Each algorithm is a file in all_to_all/, which says what it does and whence it comes.
enum class AllToAll {
  direct,
  hierarchical_dedup,
  pairwise,
  ring,
  bruck,
  hierarchical,
  low_latency,
};
base::EnumNames<AllToAll> names_of(AllToAll);

enum class Direction { to_experts, from_experts };

// Messages of one dispatch or combine of `plan`, each row of `bytes_per_row` bytes; `from_experts`
// is the exact transpose of `to_experts`, its rounds in reverse. Transfers are in global ranks, in
// an order fixed by the plan alone; with direct, hierarchical_dedup and low_latency a rank's bytes
// to itself are among them (they cost nothing).
// The payload is that of all kept pairs, whatever the algorithm saves or forwards.
Collective all_to_all(AllToAll algorithm, const Group& group, const DispatchPlan& plan,
                      Direction direction, base::Bytes bytes_per_row);

// The same of any bytes, [source, destination] by position in the group. low_latency sends them in
// messages of `message_bytes`. Throws base::Error when `bytes` is no square of the group's size,
// when an entry is below 0 or not finite, for hierarchical_dedup (bytes do not say which of them
// are copies of one token), and for low_latency without message_bytes above 0.
Collective all_to_all(AllToAll algorithm, const Group& group, std::span<const base::Bytes> bytes,
                      base::Bytes message_bytes = {});

// Bytes a token's hidden state takes on the wire: bf16 2 per value; fp8 1 per value and a 4-byte
// scale per 128 values (DeepSeek-V3, arXiv 2412.19437, section 3.3).
enum class WireType { bf16, fp8 };
base::EnumNames<WireType> names_of(WireType);
base::Bytes row_bytes(WireType type, int hidden_size);

}  // namespace moesim::sim
