// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_layer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/numerics.h"

namespace moesim::model {
namespace {

using testing::expect_slopes;
using testing::OwnedPass;
using testing::random_matrix;

constexpr Index kHidden = 6;
constexpr int kTokens = 17;

MoeLayerShape small_shape() {
  MoeLayerShape shape;
  shape.router.num_experts = 5;
  shape.router.top_k = 2;
  shape.experts.hidden = kHidden;
  shape.experts.first = {0, 3, 6, 8, 12, 15};
  shape.experts.name = "experts";
  shape.shared.hidden = kHidden;
  return shape;
}

MoeLayerShape with_shared(MoeLayerShape shape) {
  shape.shared = shape.experts;
  shape.shared.first = {0, 4};
  return shape;
}

ExpertWeights<double> random_experts(const ExpertShape& shape, base::Rng& rng) {
  ExpertWeights<double> weights;
  const Index units = shape.first.back();
  for (Matrix<double>* matrix : {&weights.gate, &weights.up, &weights.down}) {
    *matrix = random_matrix<double>(units, kHidden, rng);
  }
  return weights;
}

MoeLayerWeights<double> random_layer(const MoeLayerShape& shape, base::Rng& rng) {
  MoeLayerWeights<double> weights;
  weights.router = random_router<double>(shape.router, kHidden, rng);
  weights.experts = random_experts(shape.experts, rng);
  if (shape.shared.count() > 0) weights.shared = random_experts(shape.shared, rng);
  return weights;
}

// silu(x Wg^T) * (x Wu^T) Wd of one row, from the formula.
Matrix<double> expert_result(const ExpertWeights<double>& weights, const ExpertShape& shape,
                             int expert, const Matrix<double>& row) {
  const Index first = shape.first[expert];
  const Index units = shape.units(expert);
  const Matrix<double> gate = row * weights.gate.middleRows(first, units).transpose();
  const Matrix<double> up = row * weights.up.middleRows(first, units).transpose();
  const Matrix<double> inner = gate.array() / (1 + (-gate.array()).exp()) * up.array();
  return inner * weights.down.middleRows(first, units);
}

struct Layer {
  MoeLayerShape shape;
  OwnedPass<double> owned;
  MoeLayerWeights<double> weights;
  Matrix<double> x;
  TokenContext context;

  explicit Layer(const MoeLayerShape& shape_) : shape(shape_) {
    base::Rng rng(3, "moe layer");
    weights = random_layer(shape, rng);
    x = random_matrix<double>(kTokens, kHidden, rng);
    context.seq_length = kTokens;
  }

  Matrix<double> forward(MoeLayerCache<double>& cache) const {
    Matrix<double> y;
    MoeLayer<double>{weights, shape, context, owned.pass}.forward(x, cache, y);
    return y;
  }
};

// The gathered, grouped computation equals the sum over each token's kept pairs and the shared
// experts; a dropped pair adds nothing.
void expect_sum_over_kept_pairs(const MoeLayerShape& shape, bool expect_drops) {
  const Layer layer(shape);
  MoeLayerCache<double> cache;
  const Matrix<double> y = layer.forward(cache);
  const RoutingBatch& batch = cache.router.batch;
  EXPECT_EQ(cache.order.pair.size() < batch.experts.size(), expect_drops);
  for (int token = 0; token < batch.tokens; ++token) {
    Matrix<double> expected = Matrix<double>::Zero(1, kHidden);
    for (int slot = 0; slot < batch.top_k; ++slot) {
      const int pair = token * batch.top_k + slot;
      if (!batch.is_kept(pair)) continue;
      expected += cache.router.weights(token, slot) *
                  expert_result(layer.weights.experts, shape.experts, batch.experts[pair],
                                layer.x.row(token));
    }
    if (shape.shared.count() > 0) {
      expected += expert_result(layer.weights.shared, shape.shared, 0, layer.x.row(token));
    }
    EXPECT_NEAR((y.row(token) - expected).norm(), 0, 1e-12) << "token " << token;
  }
}

TEST(MoeLayer, SumsTheWeightedExperts) { expect_sum_over_kept_pairs(small_shape(), false); }

TEST(MoeLayer, AddsTheSharedExpertToEveryRow) {
  expect_sum_over_kept_pairs(with_shared(small_shape()), false);
}

TEST(MoeLayer, LeavesDroppedPairsOut) {
  MoeLayerShape shape = with_shared(small_shape());
  shape.router.capacity_factor = 0.5;
  expect_sum_over_kept_pairs(shape, true);
}

// The tokens that no expert takes have empty slots, which count as dropped.
TEST(MoeLayer, LeavesEmptySlotsOut) {
  MoeLayerShape shape = small_shape();
  shape.router.type = RouterType::expert_choice;
  expect_sum_over_kept_pairs(shape, true);
}

void expect_right_gradients(const MoeLayerShape& shape, double loss_scale) {
  Layer l(shape);
  base::Rng rng(4, "direction");
  const auto c = random_matrix<double>(kTokens, kHidden, rng);
  const auto loss = [&] {
    MoeLayerCache<double> cache;
    const Matrix<double> y = l.forward(cache);
    return y.cwiseProduct(c).sum() + loss_scale * cache.router.loss;
  };
  MoeLayerCache<double> cache;
  l.forward(cache);
  MoeLayerWeights<double> gradient = l.weights;
  Matrix<double> dx;
  const MoeLayer<double> layer{l.weights, l.shape, l.context, l.owned.pass, loss_scale};
  layer.backward(l.x, cache, c, gradient, dx);
  const double tolerance = 1e-6;
  expect_slopes({.name = "x", .tolerance = tolerance}, l.x, dx, loss);
  expect_slopes({.name = "router", .tolerance = tolerance}, l.weights.router.gate,
                gradient.router.gate, loss);
  expect_slopes({.name = "gate", .tolerance = tolerance}, l.weights.experts.gate,
                gradient.experts.gate, loss);
  expect_slopes({.name = "down", .tolerance = tolerance}, l.weights.experts.down,
                gradient.experts.down, loss);
  if (shape.shared.count() == 0) return;
  expect_slopes({.name = "shared", .tolerance = tolerance}, l.weights.shared.up, gradient.shared.up,
                loss);
}

TEST(MoeLayer, GradientsMatchDifferences) { expect_right_gradients(small_shape(), 0.5); }

TEST(MoeLayer, GradientsMatchDifferencesWithDropsAndASharedExpert) {
  MoeLayerShape shape = with_shared(small_shape());
  shape.router.capacity_factor = 0.6;
  expect_right_gradients(shape, 1);
}

TEST(MoeLayer, GradientsMatchDifferencesWithWeightsAsTheyAre) {
  MoeLayerShape shape = small_shape();
  shape.router.weights = RoutingWeights::as_is;
  shape.router.score_function = ScoreFunction::sigmoid;
  shape.router.routed_scaling_factor = 2.5;
  expect_right_gradients(shape, 1);
}

// Pairs of experts (2, 0), (0, 1), (2, 1), of which pair 2 is dropped: expert 0 has pair 1, expert
// 1 pairs 3 and 5, expert 2 pairs 0 and 4.
TEST(ExpertOrder, SortsKeptPairsByExpertThenToken) {
  RoutingBatch batch{3, 2, 4, {2, 0, 0, 1, 2, 1}, std::vector<float>(6, 0.5F), {}};
  batch.kept = {1, 1, 0, 1, 1, 1};
  const ExpertOrder order = order_by_expert(batch);
  EXPECT_EQ(order.pair, (std::vector<std::int32_t>{1, 3, 5, 0, 4}));
  EXPECT_EQ(order.token, (std::vector<std::int32_t>{0, 1, 2, 0, 2}));
  EXPECT_EQ(order.place, (std::vector<std::int32_t>{3, 0, -1, 1, 4, 2}));
  EXPECT_EQ(order.first_row, (std::vector<Index>{0, 1, 3, 5, 5}));
}

}  // namespace
}  // namespace moesim::model
