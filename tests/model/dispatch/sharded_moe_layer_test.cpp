// SPDX-License-Identifier: Apache-2.0
// INV-6: a placement, a permutation or replicas of the experts never change what is computed.
#include "model/dispatch/sharded_moe_layer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "base/rng.h"
#include "model/cpu/cpu_backend.h"

namespace moesim::model {
namespace {

constexpr Index kTokens = 37;
constexpr Index kHidden = 12;
constexpr int kExperts = 6;

template <class S>
Matrix<S> random_matrix(Index rows, Index cols, base::Rng& rng) {
  Matrix<S> matrix(rows, cols);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = static_cast<S>(rng.normal() * 0.4);
  return matrix;
}

template <class S>
ExpertWeights<S> random_experts(const ExpertShape& shape, base::Rng& rng) {
  const Index units = shape.first.back();
  ExpertWeights<S> weights;
  if (shape.gated) weights.gate = random_matrix<S>(units, shape.hidden, rng);
  weights.up = random_matrix<S>(units, shape.hidden, rng);
  weights.down = random_matrix<S>(units, shape.hidden, rng);
  if (!shape.bias) return weights;
  if (shape.gated) weights.gate_bias = random_matrix<S>(1, units, rng);
  weights.up_bias = random_matrix<S>(1, units, rng);
  weights.down_bias = random_matrix<S>(shape.count(), shape.hidden, rng);
  return weights;
}

// Experts of 4, 5, ... hidden units, and one shared expert.
MoeLayerShape layer_shape(bool gated, bool bias) {
  MoeLayerShape shape;
  shape.router.num_experts = kExperts;
  shape.router.top_k = 2;
  shape.router.balance.aux_loss_coef = 0;
  shape.experts.hidden = kHidden;
  shape.experts.gated = gated;
  shape.experts.bias = bias;
  for (int e = 0; e < kExperts; ++e) {
    shape.experts.first.push_back(shape.experts.first.back() + 4 + e);
  }
  shape.shared = shape.experts;
  shape.shared.first = {0, 7};
  return shape;
}

template <class S>
struct Layer {
  explicit Layer(const MoeLayerShape& layer_shape) : shape(layer_shape) {
    base::Rng rng(7, "sharded layer");
    weights.router = random_router<S>(shape.router, kHidden, rng);
    weights.experts = random_experts<S>(shape.experts, rng);
    weights.shared = random_experts<S>(shape.shared, rng);
    x = random_matrix<S>(kTokens, kHidden, rng);
    dy = random_matrix<S>(kTokens, kHidden, rng);
    const MoeLayer<S> layer{weights, shape, context, pass};
    layer.forward(x, cache, y);
    gradient = weights;
    layer.backward(x, cache, dy, gradient, dx);
  }

  base::ThreadPool threads{1};
  std::unique_ptr<Backend<S>> backend = make_cpu_backend<S>(threads);
  Pass<S> pass{*backend, threads};
  TokenContext context{{}, static_cast<int>(kTokens), 0};
  MoeLayerShape shape;
  MoeLayerWeights<S> weights;
  Matrix<S> x, dy, y, dx;
  MoeLayerCache<S> cache;
  MoeLayerWeights<S> gradient;
};

template <class S>
void expect_near(const Matrix<S>& a, const Matrix<S>& b, double tolerance, const char* what) {
  ASSERT_EQ(a.rows(), b.rows()) << what;
  ASSERT_EQ(a.cols(), b.cols()) << what;
  if (a.size() == 0) return;
  const double largest = static_cast<double>(b.cwiseAbs().maxCoeff());
  EXPECT_LE(static_cast<double>((a - b).cwiseAbs().maxCoeff()), tolerance * largest) << what;
}

template <class S>
void expect_same_as_unsharded(const Layer<S>& layer, const Placement& placement, double tolerance) {
  const ShardedMoeLayer<S> sharded{layer.weights, layer.shape, placement, layer.context,
                                   layer.pass};
  ShardedMoeCache<S> cache;
  Matrix<S> y;
  sharded.forward(layer.x, cache, y);
  expect_near(y, layer.y, tolerance, "y");
  MoeLayerWeights<S> gradient = layer.weights;
  Matrix<S> dx;
  sharded.backward(cache, layer.dy, gradient, dx);
  expect_near(dx, layer.dx, tolerance, "dx");
  expect_near(gradient.router.gate, layer.gradient.router.gate, tolerance, "router");
  const auto compare = [&](const ExpertWeights<S>& a, const ExpertWeights<S>& b) {
    expect_near(a.gate, b.gate, tolerance, "gate");
    expect_near(a.up, b.up, tolerance, "up");
    expect_near(a.down, b.down, tolerance, "down");
    expect_near(a.gate_bias, b.gate_bias, tolerance, "gate bias");
    expect_near(a.up_bias, b.up_bias, tolerance, "up bias");
    expect_near(a.down_bias, b.down_bias, tolerance, "down bias");
  };
  compare(gradient.experts, layer.gradient.experts);
  compare(gradient.shared, layer.gradient.shared);
}

// Ranks, and for each expert its ranks, drawn at random; each rank may hold none, some or all.
Placement random_placement(std::uint64_t seed) {
  base::Rng rng(seed, "placement");
  Placement placement;
  placement.num_ranks = 1 + static_cast<int>(rng.below(6));
  for (int expert = 0; expert < kExperts; ++expert) {
    std::vector<int> ranks(placement.num_ranks);
    std::iota(ranks.begin(), ranks.end(), 0);
    for (std::size_t i = ranks.size(); i > 1; --i) std::swap(ranks[i - 1], ranks[rng.below(i)]);
    ranks.resize(1 + rng.below(placement.num_ranks));
    std::sort(ranks.begin(), ranks.end());
    placement.ranks_of_expert.push_back(ranks);
  }
  return placement;
}

TEST(ShardedMoeLayer, ContiguousRanksComputeTheUnshardedLayer) {
  const Layer<double> layer(layer_shape(true, true));
  expect_same_as_unsharded(layer, placement_of(3, {0, 0, 1, 1, 2, 2}), 1e-12);
}

TEST(ShardedMoeLayer, AnyPlacementAndReplicationComputesTheUnshardedLayer) {
  const Layer<double> gated(layer_shape(true, false));
  const Layer<double> plain(layer_shape(false, true));
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    expect_same_as_unsharded(seed % 2 == 0 ? gated : plain, random_placement(seed), 1e-12);
  }
}

TEST(ShardedMoeLayer, SinglePrecisionAgreesToItsRounding) {
  const Layer<float> layer(layer_shape(true, true));
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    expect_same_as_unsharded(layer, random_placement(seed), 2e-6);
  }
}

// Outputs do not even differ in a bit: every row meets its experts in the same order of operations.
TEST(ShardedMoeLayer, OutputsAreTheSameBits) {
  const Layer<float> layer(layer_shape(true, true));
  const Placement placement = placement_of(4, {3, 1, 0, 2, 1, 0});
  ShardedMoeCache<float> cache;
  Matrix<float> y;
  ShardedMoeLayer<float>{layer.weights, layer.shape, placement, layer.context, layer.pass}.forward(
      layer.x, cache, y);
  EXPECT_EQ(y, layer.y);
}

}  // namespace
}  // namespace moesim::model
