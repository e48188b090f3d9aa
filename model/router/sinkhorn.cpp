// SPDX-License-Identifier: Apache-2.0
#include "model/router/sinkhorn.h"

#include <cmath>

#include "model/cpu/vector_math.h"

namespace moesim::model {
namespace {

// Below any column's sum that matters; keeps its inverse finite.
constexpr double kLeastSum = 1e-200;

// exp(logits - the row's largest): what a row is multiplied by, its own scale takes back.
template <class S>
Matrix<double> exponentials(const Pass<S>& pass, const Matrix<S>& logits) {
  Matrix<double> result(logits.rows(), logits.cols());
  const Index n = logits.cols();
  for_row_pieces(pass, logits.rows(), [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) {
      const S* const row = logits.data() + t * n;
      const double largest = static_cast<double>(row_max(row, n));
      for (Index e = 0; e < n; ++e) {
        result(t, e) = std::exp(static_cast<double>(row[e]) - largest);
      }
    }
  });
  return result;
}

// [pieces, num_experts] sums over a piece's tokens of what each expert receives, rows scaled to 1.
template <class S>
Matrix<double> received(const Pass<S>& pass, const Matrix<double>& cost,
                        const Matrix<double>& scale) {
  const Index n = cost.cols();
  Matrix<double> sums = Matrix<double>::Zero((cost.rows() + kRowsPerPiece - 1) / kRowsPerPiece, n);
  for_row_pieces(pass, cost.rows(), [&](Index first, Index end) {
    double* const of_piece = sums.data() + first / kRowsPerPiece * n;
    for (Index t = first; t < end; ++t) {
      const double* const row = cost.data() + t * n;
      const double row_scale = 1 / row_dot(row, scale.data(), n);
      for (Index e = 0; e < n; ++e) of_piece[e] += row[e] * row_scale;
    }
  });
  return sums;
}

}  // namespace

template <class S>
Matrix<S> sinkhorn_logits(const Pass<S>& pass, const Matrix<S>& logits, int iterations) {
  const Matrix<double> cost = exponentials(pass, logits);
  const double share = static_cast<double>(logits.rows()) / static_cast<double>(logits.cols());
  Matrix<double> scale = Matrix<double>::Ones(1, logits.cols());
  for (int i = 0; i < iterations; ++i) {
    const Matrix<double> sums = received(pass, cost, scale);
    for (Index e = 0; e < scale.cols(); ++e) {
      double sum = kLeastSum;
      for (Index piece = 0; piece < sums.rows(); ++piece) sum += sums(piece, e);
      scale(0, e) = share / sum;
    }
  }
  Matrix<S> balanced = logits;
  for (Index e = 0; e < scale.cols(); ++e) {
    balanced.col(e).array() += static_cast<S>(std::log(scale(0, e)));
  }
  return balanced;
}

template Matrix<float> sinkhorn_logits(const Pass<float>&, const Matrix<float>&, int);
template Matrix<double> sinkhorn_logits(const Pass<double>&, const Matrix<double>&, int);

}  // namespace moesim::model
