// SPDX-License-Identifier: Apache-2.0
#include "model/layers/layer_norm.h"

#include <cmath>

namespace moesim::model {
namespace {

constexpr double kVarianceFloor = 1e-5;

}  // namespace

template <class S>
Matrix<S> layer_norm(const LayerNormWeights<S>& weights, const Matrix<S>& x,
                     LayerNormCache<S>& cache) {
  Matrix<S> y(x.rows(), x.cols());
  cache.normalised.resize(x.rows(), x.cols());
  cache.inverse_deviation.resize(x.rows(), 1);
  for (Index token = 0; token < x.rows(); ++token) {
    const auto row = x.row(token).array();
    auto normalised = cache.normalised.row(token).array();
    normalised = row - row.mean();
    const S variance = normalised.square().mean();
    const S inverse = S(1) / std::sqrt(variance + static_cast<S>(kVarianceFloor));
    normalised *= inverse;
    cache.inverse_deviation(token, 0) = inverse;
    y.row(token).array() = normalised * weights.gain.row(0).array() + weights.bias.row(0).array();
  }
  return y;
}

template <class S>
Matrix<S> layer_norm_backward(const LayerNormWeights<S>& weights, const LayerNormCache<S>& cache,
                              const Matrix<S>& dy, LayerNormWeights<S>& gradient) {
  gradient.gain = (dy.array() * cache.normalised.array()).matrix().colwise().sum();
  gradient.bias = dy.colwise().sum();
  Matrix<S> dx(dy.rows(), dy.cols());
  for (Index token = 0; token < dy.rows(); ++token) {
    const auto normalised = cache.normalised.row(token).array();
    auto row = dx.row(token).array();
    row = dy.row(token).array() * weights.gain.row(0).array();
    const S mean = row.mean();
    const S slope = (row * normalised).mean();
    row = (row - mean - normalised * slope) * cache.inverse_deviation(token, 0);
  }
  return dx;
}

template Matrix<float> layer_norm(const LayerNormWeights<float>&, const Matrix<float>&,
                                  LayerNormCache<float>&);
template Matrix<double> layer_norm(const LayerNormWeights<double>&, const Matrix<double>&,
                                   LayerNormCache<double>&);
template Matrix<float> layer_norm_backward(const LayerNormWeights<float>&,
                                           const LayerNormCache<float>&, const Matrix<float>&,
                                           LayerNormWeights<float>&);
template Matrix<double> layer_norm_backward(const LayerNormWeights<double>&,
                                            const LayerNormCache<double>&, const Matrix<double>&,
                                            LayerNormWeights<double>&);

}  // namespace moesim::model
