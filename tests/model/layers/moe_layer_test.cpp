// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_layer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace moesim::model {
namespace {

constexpr Index kHidden = 6;
constexpr Index kIntermediate = 3;

Matrix<double> random_matrix(Index rows, Index cols, base::Rng& rng) {
  Matrix<double> matrix(rows, cols);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = rng.normal();
  return matrix;
}

MoeLayerWeights<double> random_layer(int experts, base::Rng& rng) {
  MoeLayerWeights<double> weights;
  weights.gate = random_matrix(kHidden, experts, rng);
  weights.experts.gate = random_matrix(experts * kHidden, kIntermediate, rng);
  weights.experts.up = random_matrix(experts * kHidden, kIntermediate, rng);
  weights.experts.down = random_matrix(experts * kIntermediate, kHidden, rng);
  return weights;
}

// One pair, with no gathering: weight x expert(x), from the formula.
Matrix<double> pair_result(const MoeLayerWeights<double>& weights, int expert,
                           const Matrix<double>& row) {
  const Matrix<double> gate = row * weights.experts.gate.middleRows(expert * kHidden, kHidden);
  const Matrix<double> up = row * weights.experts.up.middleRows(expert * kHidden, kHidden);
  const Matrix<double> activated = gate.array() / (1 + (-gate.array()).exp()) * up.array();
  return activated * weights.experts.down.middleRows(expert * kIntermediate, kIntermediate);
}

// The gathered, grouped computation equals the sum over each token's kept pairs; a dropped pair
// adds nothing and its weight goes to nobody.
void expect_sum_over_kept_pairs(std::optional<double> capacity_factor, bool expect_drops) {
  base::Rng rng(3, "moe layer");
  const MoeLayerWeights<double> weights = random_layer(5, rng);
  const Matrix<double> x = random_matrix(17, kHidden, rng);
  const MoeLayerShape shape{5, 2, capacity_factor, TokenDropPolicy::probs, 0};
  MoeLayerCache<double> cache;
  const Matrix<double> y = moe_layer(weights, shape, x, cache);
  const RoutingBatch& batch = cache.routing.batch;
  const auto kept = kept_pairs(batch, capacity_factor, shape.token_drop_policy);
  EXPECT_EQ(cache.order.pair.size() < batch.experts.size(), expect_drops);
  for (int token = 0; token < batch.tokens; ++token) {
    Matrix<double> expected = Matrix<double>::Zero(1, kHidden);
    for (int slot = 0; slot < batch.top_k; ++slot) {
      const int pair = token * batch.top_k + slot;
      if (!kept.empty() && kept[pair] == 0) continue;
      expected += cache.routing.weights(token, slot) *
                  pair_result(weights, batch.experts[pair], x.row(token));
    }
    EXPECT_NEAR((y.row(token) - expected).norm(), 0, 1e-12) << "token " << token;
  }
}

TEST(MoeLayer, SumsTheWeightedExperts) { expect_sum_over_kept_pairs(std::nullopt, false); }

TEST(MoeLayer, LeavesDroppedPairsOut) { expect_sum_over_kept_pairs(0.5, true); }

// Pairs of experts (2, 0), (0, 1), (2, 1), of which pair 2 is dropped: expert 0 has pair 1, expert
// 1 pairs 3 and 5, expert 2 pairs 0 and 4.
TEST(ExpertOrder, SortsKeptPairsByExpertThenToken) {
  const RoutingBatch batch{3, 2, 4, {2, 0, 0, 1, 2, 1}, std::vector<float>(6, 0.5F)};
  const ExpertOrder order = order_by_expert(batch, {1, 1, 0, 1, 1, 1});
  EXPECT_EQ(order.pair, (std::vector<std::int32_t>{1, 3, 5, 0, 4}));
  EXPECT_EQ(order.first_row, (std::vector<Index>{0, 1, 3, 5, 5}));
  EXPECT_EQ(order.most_rows(), 2);
  EXPECT_EQ(order.rows_of(3).rows, 0);
}

}  // namespace
}  // namespace moesim::model
