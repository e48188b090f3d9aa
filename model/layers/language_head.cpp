// SPDX-License-Identifier: Apache-2.0
#include "model/layers/language_head.h"

#include <cmath>

namespace moesim::model {

template <class S>
S cross_entropy(const Matrix<S>& head, const Matrix<S>& x, std::span<const std::uint8_t> targets,
                LanguageHeadCache<S>& cache) {
  cache.input = x;
  Matrix<S>& logits = cache.probabilities;
  logits.noalias() = x * head.transpose();
  S sum = 0;
  for (Index t = 0; t < logits.rows(); ++t) {
    auto row = logits.row(t).array();
    row -= row.maxCoeff();
    sum -= row(targets[t]);
    row = row.exp();
    const S total = row.sum();
    sum += std::log(total);
    row *= S(1) / total;
  }
  return sum / static_cast<S>(logits.rows());
}

template <class S>
Matrix<S> cross_entropy_backward(const Matrix<S>& head, const LanguageHeadCache<S>& cache,
                                 std::span<const std::uint8_t> targets, double loss_scale,
                                 Matrix<S>& head_gradient) {
  const Index tokens = cache.probabilities.rows();
  Matrix<S> d_logits = cache.probabilities;
  for (Index t = 0; t < tokens; ++t) d_logits(t, targets[t]) -= S(1);
  d_logits *= static_cast<S>(loss_scale / static_cast<double>(tokens));
  head_gradient.noalias() = d_logits.transpose() * cache.input;
  return d_logits * head;
}

template float cross_entropy(const Matrix<float>&, const Matrix<float>&,
                             std::span<const std::uint8_t>, LanguageHeadCache<float>&);
template double cross_entropy(const Matrix<double>&, const Matrix<double>&,
                              std::span<const std::uint8_t>, LanguageHeadCache<double>&);
template Matrix<float> cross_entropy_backward(const Matrix<float>&, const LanguageHeadCache<float>&,
                                              std::span<const std::uint8_t>, double,
                                              Matrix<float>&);
template Matrix<double> cross_entropy_backward(const Matrix<double>&,
                                               const LanguageHeadCache<double>&,
                                               std::span<const std::uint8_t>, double,
                                               Matrix<double>&);

}  // namespace moesim::model
