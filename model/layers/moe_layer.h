// SPDX-License-Identifier: Apache-2.0
// The Mixture-of-Experts layer: route, gather each expert's rows, run the experts, combine their
// results by weight; plus the shared experts on every row. A dropped pair adds nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "model/layers/expert.h"
#include "model/router/router.h"

namespace moesim::model {

struct MoeLayerShape {
  RouterConfig router;
  ExpertShape experts;
  ExpertShape shared;  // of one expert, or of none
};

template <class S>
struct MoeLayerWeights {
  RouterWeights<S> router;
  ExpertWeights<S> experts;
  ExpertWeights<S> shared;  // empty without shared experts
};

// The kept pairs in the experts' order, and by token within an expert.
struct ExpertOrder {
  std::vector<Index> first_row;     // [num_experts + 1]
  std::vector<std::int32_t> token;  // [rows] whose row it is
  std::vector<std::int32_t> pair;   // [rows] token * top_k + slot
  std::vector<std::int32_t> place;  // [tokens, top_k] the pair's row; -1 where it is not kept
};

ExpertOrder order_by_expert(const RoutingBatch& batch);

// Rows in the experts' order. Neither is read by a later pass: layers that run one after another
// can share them.
template <class S>
struct MoeLayerScratch {
  Matrix<S> input;      // [rows, hidden]
  Matrix<S> output;     // [rows, hidden] the experts' outputs, not weighted; after a backward pass,
                        // the gradient of `input`
  Matrix<S> d_weights;  // [tokens, batch.top_k]
};

template <class S>
struct MoeLayerCache {
  RouterCache<S> router;
  ExpertOrder order;
  ExpertCache<S> experts;
  ExpertCache<S> shared;
  MoeLayerScratch<S> scratch;
};

// A MoE layer as a pass runs it.
template <class S>
struct MoeLayer {
  const MoeLayerWeights<S>& weights;
  const MoeLayerShape& shape;
  const TokenContext& context;
  const Pass<S>& pass;
  double loss_scale = 1;  // of the balancing losses, in the backward pass

  // x, [tokens, hidden] -> y, [tokens, hidden].
  void forward(const Matrix<S>& x, MoeLayerCache<S>& cache, Matrix<S>& y) const;

  // Writes dx, the gradient of x from that of y plus `loss_scale` times the balancing losses', and
  // writes or adds to (pass.add_gradients) `gradient`. Uses the cache up, as Experts::backward.
  void backward(const Matrix<S>& x, MoeLayerCache<S>& cache, const Matrix<S>& dy,
                MoeLayerWeights<S>& gradient, Matrix<S>& dx) const;
};

}  // namespace moesim::model
