// SPDX-License-Identifier: Apache-2.0
#include "model/router/top_k_softmax.h"

#include "base/check.h"

namespace moesim::model {
namespace {

// Writes the ids of the `top_k` largest of `logits[0, num_experts)` to `chosen`, by insertion into
// the short sorted list: most logits lose against its last entry and cost one comparison. A strict
// comparison keeps the lower id first; a logit that is not a number loses against every other.
template <class S>
void choose_largest(const S* logits, int num_experts, int top_k, std::int32_t* chosen) {
  int length = 0;
  for (int expert = 0; expert < num_experts; ++expert) {
    const S logit = logits[expert];
    if (length == top_k && !(logit > logits[chosen[top_k - 1]])) continue;
    int place = length == top_k ? top_k - 1 : length++;
    while (place > 0 && logit > logits[chosen[place - 1]]) {
      chosen[place] = chosen[place - 1];
      --place;
    }
    chosen[place] = expert;
  }
}

}  // namespace

template <class S>
void top_k_softmax(const Matrix<S>& logits, int top_k, TopKRouting<S>& routing) {
  const auto tokens = static_cast<int>(logits.rows());
  const auto num_experts = static_cast<int>(logits.cols());
  CHECK(top_k >= 1 && top_k <= num_experts, "a token cannot choose more experts than there are");
  RoutingBatch& batch = routing.batch;
  batch.tokens = tokens;
  batch.top_k = top_k;
  batch.num_experts = num_experts;
  batch.experts.resize(static_cast<std::size_t>(tokens) * top_k);
  batch.weights.resize(batch.experts.size());
  routing.weights.resize(tokens, top_k);
  for (int token = 0; token < tokens; ++token) {
    const S* const scores = logits.data() + static_cast<Index>(token) * num_experts;
    std::int32_t* const chosen = batch.experts.data() + static_cast<Index>(token) * top_k;
    choose_largest(scores, num_experts, top_k, chosen);
    for (int slot = 0; slot < top_k; ++slot) {
      routing.weights(token, slot) = scores[chosen[slot]];
    }
  }
  softmax_rows(routing.weights);
  Matrix<float>::Map(batch.weights.data(), tokens, top_k) = routing.weights.template cast<float>();
}

template <class S>
Matrix<S> top_k_softmax_backward(const TopKRouting<S>& routing, const Matrix<S>& d_weights) {
  const RoutingBatch& batch = routing.batch;
  Matrix<S> d_logits = Matrix<S>::Zero(batch.tokens, batch.num_experts);
  for (int token = 0; token < batch.tokens; ++token) {
    const S mean = routing.weights.row(token).dot(d_weights.row(token));
    for (int slot = 0; slot < batch.top_k; ++slot) {
      const std::int32_t expert =
          batch.experts[static_cast<std::size_t>(token) * batch.top_k + slot];
      d_logits(token, expert) = routing.weights(token, slot) * (d_weights(token, slot) - mean);
    }
  }
  return d_logits;
}

template void top_k_softmax(const Matrix<float>&, int, TopKRouting<float>&);
template void top_k_softmax(const Matrix<double>&, int, TopKRouting<double>&);
template Matrix<float> top_k_softmax_backward(const TopKRouting<float>&, const Matrix<float>&);
template Matrix<double> top_k_softmax_backward(const TopKRouting<double>&, const Matrix<double>&);

}  // namespace moesim::model
