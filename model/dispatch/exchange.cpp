// SPDX-License-Identifier: Apache-2.0
#include "model/dispatch/exchange.h"

#include <algorithm>
#include <numeric>

namespace moesim::model {
namespace {

// The kept pairs of one source, by destination, then expert, then token.
std::vector<std::int32_t> order_for_sending(const RoutingBatch& batch,
                                            const std::vector<int>& destination) {
  std::vector<std::int32_t> pairs;
  for (std::size_t pair = 0; pair < destination.size(); ++pair) {
    if (destination[pair] >= 0) pairs.push_back(static_cast<std::int32_t>(pair));
  }
  std::stable_sort(pairs.begin(), pairs.end(), [&](std::int32_t a, std::int32_t b) {
    if (destination[a] != destination[b]) return destination[a] < destination[b];
    return batch.experts[a] < batch.experts[b];
  });
  return pairs;
}

// Experts of the rows in each destination's receive buffer, sources in order.
std::vector<std::vector<std::int32_t>> received_experts(std::span<const RoutingBatch> batches,
                                                        const Exchange& exchange) {
  std::vector<std::vector<std::int32_t>> experts(exchange.num_ranks);
  for (int source = 0; source < exchange.num_ranks; ++source) {
    auto pair = exchange.sent_pairs[source].begin();
    for (int destination = 0; destination < exchange.num_ranks; ++destination) {
      for (int row = 0; row < exchange.rows_of(source, destination); ++row, ++pair) {
        experts[destination].push_back(batches[source].experts[*pair]);
      }
    }
  }
  return experts;
}

}  // namespace

std::vector<int> destinations(const RoutingBatch& batch, const Placement& placement, int source) {
  CHECK(batch.num_experts == placement.num_experts(),
        "routing and placement know the same experts");
  std::vector<int> ranks(batch.experts.size(), -1);
  for (std::size_t pair = 0; pair < ranks.size(); ++pair) {
    if (!batch.is_kept(pair)) continue;
    const int token = static_cast<int>(pair) / batch.top_k;
    ranks[pair] = placement.serving_rank(batch.experts[pair], source, token);
  }
  return ranks;
}

Exchange plan_exchange(std::span<const RoutingBatch> batches, const Placement& placement) {
  const int ranks = placement.num_ranks;
  CHECK(static_cast<int>(batches.size()) == ranks, "every rank of the group is a source");
  Exchange exchange;
  exchange.num_ranks = ranks;
  exchange.rows.assign(static_cast<std::size_t>(ranks) * ranks, 0);
  for (int source = 0; source < ranks; ++source) {
    const std::vector<int> destination = destinations(batches[source], placement, source);
    exchange.sent_pairs.push_back(order_for_sending(batches[source], destination));
    for (const std::int32_t pair : exchange.sent_pairs.back()) {
      ++exchange.rows[source * ranks + destination[pair]];
    }
  }
  const std::vector<std::vector<std::int32_t>> experts = received_experts(batches, exchange);
  for (int rank = 0; rank < ranks; ++rank) {
    std::vector<std::int32_t> order(experts[rank].size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return experts[rank][a] < experts[rank][b];
    });
    std::vector<std::int64_t> first_row{0};
    for (const int expert : placement.experts_of_rank(rank)) {
      first_row.push_back(first_row.back() +
                          std::count(experts[rank].begin(), experts[rank].end(), expert));
    }
    CHECK(first_row.back() == static_cast<std::int64_t>(order.size()),
          "a rank gets rows for its own experts only");
    exchange.expert_order.push_back(std::move(order));
    exchange.first_row.push_back(std::move(first_row));
  }
  return exchange;
}

}  // namespace moesim::model
