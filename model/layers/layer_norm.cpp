// SPDX-License-Identifier: Apache-2.0
#include "model/layers/layer_norm.h"

#include <cmath>
#include <vector>

#include "base/check.h"
#include "model/cpu/vector_math.h"

namespace moesim::model {
namespace {

constexpr double kVarianceFloor = 1e-5;

// Writes the normalised row; returns the inverse of the deviation.
template <class S>
S normalise(const S* x, Index hidden, S* normalised) {
  const S mean = row_sum(x, hidden) / static_cast<S>(hidden);
  for (Index j = 0; j < hidden; ++j) normalised[j] = x[j] - mean;
  const S variance = row_dot(normalised, normalised, hidden) / static_cast<S>(hidden);
  const S inverse = S(1) / std::sqrt(variance + static_cast<S>(kVarianceFloor));
  for (Index j = 0; j < hidden; ++j) normalised[j] *= inverse;
  return inverse;
}

// The sums over one piece's rows of dy * normalised and of dy: [hidden] each.
template <class S>
struct PieceSums {
  S* gain;
  S* bias;
};

template <class S>
class BackwardRows {
 public:
  BackwardRows(const LayerNormWeights<S>& weights, PieceSums<S> sums)
      : hidden_(weights.gain.size()), gain_(weights.gain.data()), sums_(sums), scaled_(hidden_) {}

  // Adds one row's gradient to dx, and its share to the sums.
  void add(const S* normalised, const S* dy, S inverse_deviation, S* dx) {
    S* const scaled = scaled_.data();
    // One array is written in each loop: of more, the compiler makes no vector code.
    for (Index j = 0; j < hidden_; ++j) sums_.gain[j] += dy[j] * normalised[j];
    for (Index j = 0; j < hidden_; ++j) sums_.bias[j] += dy[j];
    for (Index j = 0; j < hidden_; ++j) scaled[j] = dy[j] * gain_[j];
    const S mean = row_sum(scaled, hidden_) / static_cast<S>(hidden_);
    const S slope = row_dot(scaled, normalised, hidden_) / static_cast<S>(hidden_);
    for (Index j = 0; j < hidden_; ++j) {
      dx[j] += (scaled[j] - mean - normalised[j] * slope) * inverse_deviation;
    }
  }

 private:
  Index hidden_;
  const S* gain_;
  PieceSums<S> sums_;
  std::vector<S> scaled_;  // the row's dy * gain
};

// Adds the pieces' sums up, in their order.
template <class S>
void write_sum(const Matrix<S>& pieces, Index first_column, bool add, Matrix<S>& sum) {
  if (!add) sum.setZero(1, pieces.cols() / 2);
  for (Index p = 0; p < pieces.rows(); ++p) {
    sum.row(0) += pieces.row(p).segment(first_column, sum.cols());
  }
}

}  // namespace

template <class S>
void layer_norm(const LayerNormWeights<S>& weights, const Pass<S>& pass, const Matrix<S>& x,
                LayerNormCache<S>& cache, Matrix<S>& y) {
  CHECK(&x != &y, "the rows are read again after the result is sized");
  const Index hidden = x.cols();
  cache.normalised.resize(x.rows(), hidden);
  cache.inverse_deviation.resize(x.rows(), 1);
  y.resize(x.rows(), hidden);
  const S* const gain = weights.gain.data();
  const S* const bias = weights.bias.data();
  for_row_pieces(pass, x.rows(), [&](Index first, Index end) {
    for (Index i = first; i < end; ++i) {
      S* const normalised = cache.normalised.data() + i * hidden;
      S* const to = y.data() + i * hidden;
      cache.inverse_deviation(i, 0) = normalise(x.data() + i * hidden, hidden, normalised);
      for (Index j = 0; j < hidden; ++j) to[j] = normalised[j] * gain[j] + bias[j];
    }
  });
}

template <class S>
void LayerNormBackward<S>::run(const LayerNormCache<S>& cache, const Matrix<S>& dy,
                               LayerNormWeights<S>& gradient, Matrix<S>& dx) const {
  const Index hidden = dy.cols();
  CHECK(dx.rows() == dy.rows() && dx.cols() == hidden, "the gradient is added to a sized matrix");
  const Index pieces = (dy.rows() + kRowsPerPiece - 1) / kRowsPerPiece;
  Matrix<S> sums = Matrix<S>::Zero(pieces, 2 * hidden);
  for_row_pieces(pass, dy.rows(), [&](Index first, Index end) {
    S* const sum = sums.data() + first / kRowsPerPiece * 2 * hidden;
    BackwardRows<S> rows(weights, {sum, sum + hidden});
    for (Index i = first; i < end; ++i) {
      rows.add(cache.normalised.data() + i * hidden, dy.data() + i * hidden,
               cache.inverse_deviation(i, 0), dx.data() + i * hidden);
    }
  });
  write_sum(sums, 0, pass.add_gradients, gradient.gain);
  write_sum(sums, hidden, pass.add_gradients, gradient.bias);
}

template void layer_norm(const LayerNormWeights<float>&, const Pass<float>&, const Matrix<float>&,
                         LayerNormCache<float>&, Matrix<float>&);
template void layer_norm(const LayerNormWeights<double>&, const Pass<double>&,
                         const Matrix<double>&, LayerNormCache<double>&, Matrix<double>&);
template struct LayerNormBackward<float>;
template struct LayerNormBackward<double>;

}  // namespace moesim::model
