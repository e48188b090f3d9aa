// SPDX-License-Identifier: Apache-2.0
// A MoE layer as an expert-parallel group computes it: R virtual ranks, each with its own tokens, a
// full copy of the router and of the shared experts, and the experts that a placement gives it.
// Rows travel through real send and receive buffers. Without capacity, noise and dropout the result
// and the gradients are those of the layer on one rank (INV-6); capacity and balancing losses are
// each rank's own, as in training on a cluster.
#pragma once

#include <vector>

#include "model/dispatch/exchange.h"
#include "model/layers/moe_layer.h"

namespace moesim::model {

// What one virtual rank holds.
template <class S>
struct MoeShard {
  Index first_token = 0;
  Matrix<S> x;  // [its tokens, hidden]
  TokenContext context;
  RouterCache<S> router;
  std::vector<int> held;  // its experts
  ExpertShape shape;
  ExpertWeights<S> weights;
  Matrix<S> input;  // [received rows, hidden], in the order of its experts
  ExpertCache<S> experts;
  ExpertCache<S> shared;
};

template <class S>
struct ShardedMoeCache {
  Exchange exchange;
  std::vector<MoeShard<S>> shards;  // [ranks]
};

template <class S>
struct ShardedMoeLayer {
  const MoeLayerWeights<S>& weights;
  const MoeLayerShape& shape;
  const Placement& placement;
  const TokenContext& context;  // of all tokens
  const Pass<S>& pass;

  // x, [tokens, hidden] -> y, [tokens, hidden]. The tokens are cut into equal runs, rank after rank
  // (the first ranks take the remainder); every rank has at least one.
  void forward(const Matrix<S>& x, ShardedMoeCache<S>& cache, Matrix<S>& y) const;

  // Writes dx and the gradient of the weights from that of y, once for each forward(); the
  // balancing losses are weighed by each rank's share of the tokens.
  void backward(ShardedMoeCache<S>& cache, const Matrix<S>& dy, MoeLayerWeights<S>& gradient,
                Matrix<S>& dx) const;
};

}  // namespace moesim::model
