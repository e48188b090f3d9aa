// SPDX-License-Identifier: Apache-2.0
#include "model/layers/language_head.h"

#include <vector>

#include "base/check.h"
#include "model/cpu/vector_math.h"

namespace moesim::model {

template <class S>
void head_logits(const Matrix<S>& head, const Pass<S>& pass, const Matrix<S>& x,
                 Matrix<S>& logits) {
  CHECK(x.cols() == head.cols(), "the rows are as wide as the head");
  logits.resize(x.rows(), head.rows());
  pass.backend.multiply({logits.rows(), logits.cols(), x.cols(), operand(x), transposed(head),
                         logits.data(), logits.cols()});
}

template <class S>
double cross_entropy(const Matrix<S>& head, const Pass<S>& pass,
                     std::span<const std::uint8_t> targets, LanguageHeadCache<S>& cache) {
  const Index tokens = cache.input.rows();
  CHECK(static_cast<Index>(targets.size()) == tokens && tokens > 0, "one target a row");
  head_logits(head, pass, cache.input, cache.probabilities);
  const Index values = cache.probabilities.cols();
  std::vector<double> losses(targets.size());
  for_row_pieces(pass, tokens, [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      S* const row = cache.probabilities.data() + t * values;
      const auto of_target = static_cast<double>(row[targets[t]]);
      losses[t] = static_cast<double>(softmax_in_place(row, values)) - of_target;
    }
  });
  double sum = 0;
  for (const double loss : losses) sum += loss;
  return sum / static_cast<double>(tokens);
}

template <class S>
void CrossEntropyBackward<S>::run(LanguageHeadCache<S>& cache, Matrix<S>& head_gradient,
                                  Matrix<S>& dx) const {
  Matrix<S>& d_logits = cache.probabilities;
  const Index tokens = d_logits.rows();
  const Index values = d_logits.cols();
  const Index hidden = head.cols();
  CHECK(static_cast<Index>(targets.size()) == tokens, "one target a row");
  const S scale = static_cast<S>(loss_scale / static_cast<double>(tokens));
  for_row_pieces(pass, tokens, [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      S* const row = d_logits.data() + t * values;
      row[targets[t]] -= S(1);
      for (Index j = 0; j < values; ++j) row[j] *= scale;
    }
  });
  if (!pass.add_gradients) head_gradient.resize(values, hidden);
  Product<S> by_head{
      values, hidden, tokens, transposed(d_logits), operand(cache.input), head_gradient.data(),
      hidden};
  by_head.accumulate = pass.add_gradients;
  pass.backend.multiply(by_head);
  dx.resize(tokens, hidden);
  pass.backend.multiply(
      {tokens, hidden, values, operand(d_logits), operand(head), dx.data(), hidden});
}

template void head_logits(const Matrix<float>&, const Pass<float>&, const Matrix<float>&,
                          Matrix<float>&);
template void head_logits(const Matrix<double>&, const Pass<double>&, const Matrix<double>&,
                          Matrix<double>&);
template double cross_entropy(const Matrix<float>&, const Pass<float>&,
                              std::span<const std::uint8_t>, LanguageHeadCache<float>&);
template double cross_entropy(const Matrix<double>&, const Pass<double>&,
                              std::span<const std::uint8_t>, LanguageHeadCache<double>&);
template struct CrossEntropyBackward<float>;
template struct CrossEntropyBackward<double>;

}  // namespace moesim::model
