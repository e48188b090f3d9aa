// SPDX-License-Identifier: Apache-2.0
#include "model/router/balance_loss.h"

namespace moesim::model {

template <class S>
S balance_loss(const Matrix<S>& logits, const RoutingBatch& batch, double coefficient,
               BalanceCache<S>& cache) {
  cache.probabilities = logits;
  softmax_rows(cache.probabilities);
  cache.load_share.setZero(1, batch.num_experts);
  for (const std::int32_t expert : batch.experts) cache.load_share(0, expert) += S(1);
  cache.load_share /= static_cast<S>(batch.experts.size());
  const S agreement =
      (cache.probabilities.colwise().mean().array() * cache.load_share.array()).sum();
  return static_cast<S>(coefficient) * static_cast<S>(batch.num_experts) * agreement;
}

template <class S>
void add_balance_gradient(const BalanceCache<S>& cache, double coefficient, Matrix<S>& d_logits) {
  const Index tokens = cache.probabilities.rows();
  const S scale = static_cast<S>(coefficient * static_cast<double>(cache.load_share.cols()) /
                                 static_cast<double>(tokens));
  const auto share = cache.load_share.row(0).array();
  for (Index token = 0; token < tokens; ++token) {
    const auto probability = cache.probabilities.row(token).array();
    const S mean = (probability * share).sum();
    d_logits.row(token).array() += scale * probability * (share - mean);
  }
}

template float balance_loss(const Matrix<float>&, const RoutingBatch&, double,
                            BalanceCache<float>&);
template double balance_loss(const Matrix<double>&, const RoutingBatch&, double,
                             BalanceCache<double>&);
template void add_balance_gradient(const BalanceCache<float>&, double, Matrix<float>&);
template void add_balance_gradient(const BalanceCache<double>&, double, Matrix<double>&);

}  // namespace moesim::model
