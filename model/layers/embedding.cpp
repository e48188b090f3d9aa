// SPDX-License-Identifier: Apache-2.0
#include "model/layers/embedding.h"

namespace moesim::model {

template <class S>
Matrix<S> embed(const EmbeddingWeights<S>& weights, std::span<const std::uint8_t> bytes) {
  const auto tokens = static_cast<Index>(bytes.size());
  Matrix<S> rows(tokens, weights.token.cols());
  for (Index t = 0; t < tokens; ++t) {
    rows.row(t) = weights.token.row(bytes[t]) + weights.position.row(t % weights.position.rows());
  }
  return rows;
}

template <class S>
void embed_backward(std::span<const std::uint8_t> bytes, const Matrix<S>& d_rows,
                    EmbeddingWeights<S>& gradient) {
  for (Index t = 0; t < d_rows.rows(); ++t) {
    gradient.token.row(bytes[t]) += d_rows.row(t);
    gradient.position.row(t % gradient.position.rows()) += d_rows.row(t);
  }
}

template Matrix<float> embed(const EmbeddingWeights<float>&, std::span<const std::uint8_t>);
template Matrix<double> embed(const EmbeddingWeights<double>&, std::span<const std::uint8_t>);
template void embed_backward(std::span<const std::uint8_t>, const Matrix<float>&,
                             EmbeddingWeights<float>&);
template void embed_backward(std::span<const std::uint8_t>, const Matrix<double>&,
                             EmbeddingWeights<double>&);

}  // namespace moesim::model
