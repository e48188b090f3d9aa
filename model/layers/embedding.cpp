// SPDX-License-Identifier: Apache-2.0
#include "model/layers/embedding.h"

#include <algorithm>

#include "base/check.h"

namespace moesim::model {
namespace {

// Of a piece of the backward pass, which takes some columns of all rows, in the rows' order.
constexpr Index kColumnsPerPiece = 32;

}  // namespace

template <class S>
void embed(const EmbeddingWeights<S>& weights, const Pass<S>& pass,
           std::span<const std::uint8_t> bytes, Matrix<S>& rows) {
  const Index hidden = weights.token.cols();
  const Index seq_length = weights.position.rows();
  rows.resize(static_cast<Index>(bytes.size()), hidden);
  for_row_pieces(pass, rows.rows(), [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      rows.row(t) = weights.token.row(bytes[t]) + weights.position.row(t % seq_length);
    }
  });
}

template <class S>
void EmbeddingBackward<S>::run(std::span<const std::uint8_t> bytes, const Matrix<S>& d_rows,
                               EmbeddingWeights<S>& gradient) const {
  CHECK(static_cast<Index>(bytes.size()) == d_rows.rows(), "one row a byte");
  if (!pass.add_gradients) gradient.position.setZero();
  if (!pass.add_gradients && !add_to_token) gradient.token.setZero();
  const Index seq_length = gradient.position.rows();
  const Index pieces = (d_rows.cols() + kColumnsPerPiece - 1) / kColumnsPerPiece;
  pass.threads.run(static_cast<int>(pieces), [&](int piece) {
    const Index first = piece * kColumnsPerPiece;
    const Index width = std::min(kColumnsPerPiece, d_rows.cols() - first);
    for (Index t = 0; t < d_rows.rows(); ++t) {
      const auto row = d_rows.row(t).segment(first, width);
      gradient.token.row(bytes[t]).segment(first, width) += row;
      gradient.position.row(t % seq_length).segment(first, width) += row;
    }
  });
}

template void embed(const EmbeddingWeights<float>&, const Pass<float>&,
                    std::span<const std::uint8_t>, Matrix<float>&);
template void embed(const EmbeddingWeights<double>&, const Pass<double>&,
                    std::span<const std::uint8_t>, Matrix<double>&);
template struct EmbeddingBackward<float>;
template struct EmbeddingBackward<double>;

}  // namespace moesim::model
