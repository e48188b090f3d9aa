// SPDX-License-Identifier: Apache-2.0
#include "model/router/scores.h"

#include <algorithm>
#include <limits>

#include "model/cpu/vector_math.h"

namespace moesim::model {
namespace {

// One token: its scores and logits, and the slopes of its shares (null: none).
template <class S>
struct Row {
  Index num_experts;
  const S* scores;
  const S* logits;
  const S* d_shares;
};

// dz_i = p_i (dp_i - sum_j p_j dp_j), added to d_logits. A softmax's shares are its scores. Uses
// d_scores up.
template <class S>
void softmax_backward(const Row<S>& row, S* d_scores, S* d_logits) {
  const Index n = row.num_experts;
  if (row.d_shares != nullptr) {
    for (Index e = 0; e < n; ++e) d_scores[e] += row.d_shares[e];
  }
  const S mean = row_dot(row.scores, d_scores, n);
  for (Index e = 0; e < n; ++e) d_logits[e] += row.scores[e] * (d_scores[e] - mean);
}

// Of s = sigmoid(z): ds/dz = s(z) s(-z), which does not cancel where s is close to 1. Of shares p =
// s / sum: ds_i = (dp_i - sum_j p_j dp_j) / sum.
template <class S>
void sigmoid_backward(const Row<S>& row, S* d_scores, S* d_logits) {
  const Index n = row.num_experts;
  if (row.d_shares != nullptr) {
    const S inverse = inverse_sum(row.scores, n);
    const S mean = row_dot(row.scores, row.d_shares, n) * inverse;
    for (Index e = 0; e < n; ++e) d_scores[e] += (row.d_shares[e] - mean) * inverse;
  }
  for (Index e = 0; e < n; ++e) {
    d_logits[e] += d_scores[e] * row.scores[e] * vector_math::sigmoid_value(-row.logits[e]);
  }
}

}  // namespace

template <class S>
S inverse_sum(const S* scores, Index num_experts) {
  const S sum = row_sum(scores, num_experts);
  return sum < std::numeric_limits<S>::min() ? S(0) : S(1) / sum;
}

template <class S>
void score_experts(const RouterRun<S>& run, RouterCache<S>& cache) {
  const Matrix<S>& logits = cache.scored_logits();
  const Index num_experts = logits.cols();
  const bool is_softmax = run.config.score_function == ScoreFunction::softmax;
  cache.scores.resize(logits.rows(), num_experts);
  for_row_pieces(run.pass, logits.rows(), [&](Index first, Index end) {
    S* const scores = cache.scores.data() + first * num_experts;
    std::copy_n(logits.data() + first * num_experts, (end - first) * num_experts, scores);
    if (!is_softmax) return sigmoid_in_place(scores, (end - first) * num_experts);
    for (Index t = 0; t < end - first; ++t) softmax_in_place(scores + t * num_experts, num_experts);
  });
}

template <class S>
void scores_backward(const RouterRun<S>& run, const RouterCache<S>& cache,
                     RouterSlopes<S>& slopes) {
  const bool has_shares = slopes.shares.size() != 0;
  if (slopes.scores.size() == 0 && !has_shares) return;
  const Matrix<S>& logits = cache.scored_logits();
  const Index n = logits.cols();
  const bool is_softmax = run.config.score_function == ScoreFunction::softmax;
  zero_unless_there(slopes.scores, logits.rows(), n);
  zero_unless_there(slopes.adjusted_logits, logits.rows(), n);
  for_row_pieces(run.pass, logits.rows(), [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      const Index sequence = t / run.context.seq_length;
      const Row<S> row{n, cache.scores.data() + t * n, logits.data() + t * n,
                       has_shares ? slopes.shares.data() + sequence * n : nullptr};
      S* const d_scores = slopes.scores.data() + t * n;
      S* const d_logits = slopes.adjusted_logits.data() + t * n;
      is_softmax ? softmax_backward(row, d_scores, d_logits)
                 : sigmoid_backward(row, d_scores, d_logits);
    }
  });
}

template float inverse_sum(const float*, Index);
template double inverse_sum(const double*, Index);
template void score_experts(const RouterRun<float>&, RouterCache<float>&);
template void score_experts(const RouterRun<double>&, RouterCache<double>&);
template void scores_backward(const RouterRun<float>&, const RouterCache<float>&,
                              RouterSlopes<float>&);
template void scores_backward(const RouterRun<double>&, const RouterCache<double>&,
                              RouterSlopes<double>&);

}  // namespace moesim::model
