// SPDX-License-Identifier: Apache-2.0
// What an all-to-all-v algorithm is given and what it fills in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/units.h"
#include "sim/collectives/collective.h"
#include "sim/collectives/participants.h"
#include "sim/plan/dispatch_plan.h"

namespace moesim::sim {

// Who has how many bytes for whom.
struct Exchange {
  const Group& group;
  std::span<const base::Bytes> bytes;  // [source, destination] by position in the group
  const DispatchPlan* plan = nullptr;  // the rows behind the bytes; null where only bytes are known
  base::Bytes message_bytes{};         // of a row

  int size() const { return static_cast<int>(group.ranks.size()); }
  base::Bytes between(int source, int destination) const {
    return bytes[static_cast<std::size_t>(source) * group.ranks.size() +
                 static_cast<std::size_t>(destination)];
  }
};

// Messages between positions of a group, round by round.
class Schedule {
 public:
  explicit Schedule(const Group& group) : group_(group) {}

  // Room for so many messages, for those who know how many there will be at most.
  void reserve(std::size_t messages) { made_.transfers.reserve(messages); }
  // Nothing for 0 bytes. `messages` that the transfer stands for.
  void send(int from, int to, base::Bytes bytes, std::int64_t messages = 1);
  // Ends a round; one without messages is none.
  void end_round();
  // A stage of a pipeline, see Collective::pipeline.
  void add_stage(int from, int to, base::Bytes bytes);

  // The collective in global ranks; `reversed`: each message turned round, the last round first.
  Collective take(bool reversed);

 private:
  void reverse();

  const Group& group_;
  Collective made_;
};

}  // namespace moesim::sim
