// SPDX-License-Identifier: Apache-2.0
// The all-to-all-v of a MoE layer as buffers: which row goes where, and the copying of rows between
// the send and receive buffers of virtual ranks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "model/dispatch/placement.h"
#include "model/router/routing_batch.h"

namespace moesim::model {

// The rank that computes each pair of the batch that `source` routed, [tokens, top_k]; -1 where the
// pair is dropped or the slot empty. What the simulator's byte counts and the sharded layer share.
std::vector<int> destinations(const RoutingBatch& batch, const Placement& placement, int source);

// Who sends how many rows to whom, and which.
struct Exchange {
  int num_ranks = 0;
  std::vector<int> rows;  // [source, destination]
  // [source] its kept pairs (token * top_k + slot) as they lie in its send buffer: by destination,
  // then expert, then token.
  std::vector<std::vector<std::int32_t>> sent_pairs;
  // [destination] where in its receive buffer (sources in order) the row lies that comes at each
  // place of its experts' order: by expert, then source, then token.
  std::vector<std::vector<std::int32_t>> expert_order;
  std::vector<std::vector<std::int64_t>> first_row;  // [destination][its experts + 1]

  int rows_of(int source, int destination) const { return rows[source * num_ranks + destination]; }
};

// `batches` is [ranks]: what each rank routed.
Exchange plan_exchange(std::span<const RoutingBatch> batches, const Placement& placement);

// Carries rows of `width` values from send buffers to receive buffers. `send` is [ranks] buffers of
// rows ordered by destination; the result is [ranks] buffers of rows ordered by source.
template <class S>
std::vector<std::vector<S>> all_to_all(const Exchange& exchange,
                                       const std::vector<std::vector<S>>& send, std::size_t width) {
  const int ranks = exchange.num_ranks;
  std::vector<std::vector<S>> received(ranks);
  std::vector<std::size_t> sent(ranks, 0);  // values of each source's buffer that have gone
  for (int destination = 0; destination < ranks; ++destination) {
    for (int source = 0; source < ranks; ++source) {
      const std::size_t values = exchange.rows_of(source, destination) * width;
      const auto first = send[source].begin() + static_cast<std::ptrdiff_t>(sent[source]);
      CHECK(sent[source] + values <= send[source].size(), "a rank sends what its buffer holds");
      received[destination].insert(received[destination].end(), first,
                                   first + static_cast<std::ptrdiff_t>(values));
      sent[source] += values;
    }
  }
  return received;
}

// The way back: from receive buffers to send buffers, the inverse of all_to_all.
template <class S>
std::vector<std::vector<S>> all_to_all_back(const Exchange& exchange,
                                            const std::vector<std::vector<S>>& received,
                                            std::size_t width) {
  const int ranks = exchange.num_ranks;
  std::vector<std::vector<S>> returned(ranks);
  for (int destination = 0; destination < ranks; ++destination) {
    auto next = received[destination].begin();
    for (int source = 0; source < ranks; ++source) {
      const auto end =
          next + static_cast<std::ptrdiff_t>(exchange.rows_of(source, destination) * width);
      returned[source].insert(returned[source].end(), next, end);
      next = end;
    }
  }
  return returned;
}

}  // namespace moesim::model
