// SPDX-License-Identifier: Apache-2.0
// The Mixture-of-Experts layer: gate, capacity, gather each expert's rows, run the experts, scatter
// their results back weighted. A dropped pair adds nothing; its weight is not given to the others.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/layers/expert.h"
#include "model/matrix.h"
#include "model/router/balance_loss.h"
#include "model/router/capacity.h"
#include "model/router/top_k_softmax.h"

namespace moesim::model {

struct MoeLayerShape {
  int num_experts = 1;
  int top_k = 1;
  std::optional<double> capacity_factor;  // applied over all tokens of one call; absent: dropless
  TokenDropPolicy token_drop_policy = TokenDropPolicy::probs;
  double aux_loss_coef = 0;  // 0: the balancing loss is not computed
};

template <class S>
struct MoeLayerWeights {
  Matrix<S> gate;  // [hidden, num_experts]
  ExpertWeights<S> experts;
};

// The kept pairs in the experts' order, and by token within an expert.
struct ExpertOrder {
  std::vector<Index> first_row;    // [num_experts + 1]
  std::vector<std::int32_t> pair;  // [kept pairs], token * top_k + slot

  ExpertRows rows_of(int expert) const {
    return {expert, first_row[expert], first_row[expert + 1] - first_row[expert]};
  }
  Index most_rows() const;
};

// `kept` as kept_pairs() returns it: empty means that every pair is kept.
ExpertOrder order_by_expert(const RoutingBatch& batch, const std::vector<std::uint8_t>& kept);

template <class S>
struct MoeLayerCache {
  Matrix<S> input;  // [tokens, hidden]
  TopKRouting<S> routing;
  S balance_loss = 0;
  BalanceCache<S> balance;
  ExpertOrder order;
  ExpertCache<S> experts;
};

// The gate's decision alone: fills the cache's routing and, where asked for, the balancing loss.
template <class S>
void route_tokens(const MoeLayerWeights<S>& weights, const MoeLayerShape& shape, const Matrix<S>& x,
                  MoeLayerCache<S>& cache);

// [tokens, hidden] -> [tokens, hidden].
template <class S>
Matrix<S> moe_layer(const MoeLayerWeights<S>& weights, const MoeLayerShape& shape,
                    const Matrix<S>& x, MoeLayerCache<S>& cache);

// The gradient of x from that of the result plus that of `loss_scale` x the balancing loss, in
// which the caller weighs this call's tokens among all of a batch. `gradient` is written, not added
// to; its shapes are those of `weights`.
template <class S>
struct MoeLayerBackward {
  const MoeLayerWeights<S>& weights;
  const MoeLayerShape& shape;
  double loss_scale = 1;

  Matrix<S> run(const MoeLayerCache<S>& cache, const Matrix<S>& dy,
                MoeLayerWeights<S>& gradient) const;
};

}  // namespace moesim::model
