// SPDX-License-Identifier: Apache-2.0
#include "model/layers/linear.h"

#include <algorithm>

#include "base/check.h"

namespace moesim::model {
namespace {

constexpr Index kColumnsPerPiece = 64;

// Sums each column over all rows, in their order.
template <class S>
void sum_columns(const Pass<S>& pass, const Matrix<S>& rows, Matrix<S>& sums) {
  const Index pieces = (rows.cols() + kColumnsPerPiece - 1) / kColumnsPerPiece;
  pass.threads.run(static_cast<int>(pieces), [&](int piece) {
    const Index first = piece * kColumnsPerPiece;
    const Index width = std::min(kColumnsPerPiece, rows.cols() - first);
    S sum[kColumnsPerPiece] = {};
    for (Index i = 0; i < rows.rows(); ++i) {
      const S* const row = rows.data() + i * rows.cols() + first;
      for (Index j = 0; j < width; ++j) sum[j] += row[j];
    }
    S* const to = sums.data() + first;
    for (Index j = 0; j < width; ++j) to[j] = pass.add_gradients ? to[j] + sum[j] : sum[j];
  });
}

}  // namespace

template <class S>
void Linear<S>::forward(const Matrix<S>& x, Matrix<S>& y) const {
  CHECK(x.cols() == weights.weight.cols(), "the rows are as wide as the weights");
  y.resize(x.rows(), weights.weight.rows());
  Product<S> product{y.rows(), y.cols(), x.cols(), operand(x), transposed(weights.weight),
                     y.data(), y.cols()};
  if (weights.bias.size() != 0) product.bias = weights.bias.data();
  pass.backend.multiply(product);
}

template <class S>
void Linear<S>::backward(const Matrix<S>& x, const Matrix<S>& dy, LinearWeights<S>& gradient,
                         Matrix<S>& dx) const {
  const Index out = weights.weight.rows();
  const Index in = weights.weight.cols();
  if (!pass.add_gradients) {
    gradient.weight.resize(out, in);
    gradient.bias.resize(weights.bias.rows(), weights.bias.cols());
  }
  Product<S> by_weight{out, in, x.rows(), transposed(dy), operand(x), gradient.weight.data(), in};
  by_weight.accumulate = pass.add_gradients;
  pass.backend.multiply(by_weight);
  if (weights.bias.size() != 0) sum_columns(pass, dy, gradient.bias);

  const bool adds = dx.size() != 0;
  if (!adds) dx.resize(dy.rows(), in);
  Product<S> by_input{dy.rows(), in, out, operand(dy), operand(weights.weight), dx.data(), in};
  by_input.accumulate = adds;
  pass.backend.multiply(by_input);
}

template struct Linear<float>;
template struct Linear<double>;

}  // namespace moesim::model
