// SPDX-License-Identifier: Apache-2.0
#include "model/dispatch/expert_shard.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace moesim::model {
namespace {

// Experts of 1, 3 and 2 units: 0, then 1 to 3, then 4 and 5.
ExpertShape three_experts(bool gated, bool bias) {
  ExpertShape shape;
  shape.hidden = 2;
  shape.first = {0, 1, 4, 6};
  shape.activation = Activation::gelu;
  shape.gated = gated;
  shape.bias = bias;
  shape.dropout = 0.25;
  shape.name = "layer 3 experts";
  return shape;
}

// Every element tells its matrix, row and column: base + 10 row + column.
template <class S>
Matrix<S> numbered(int base, Index rows, Index cols) {
  Matrix<S> matrix(rows, cols);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) matrix(i, j) = static_cast<S>(base + 10 * i + j);
  }
  return matrix;
}

template <class S>
ExpertWeights<S> numbered_weights(const ExpertShape& shape) {
  const Index units = shape.first.back();
  ExpertWeights<S> weights;
  if (shape.gated) weights.gate = numbered<S>(100, units, shape.hidden);
  weights.up = numbered<S>(200, units, shape.hidden);
  weights.down = numbered<S>(300, units, shape.hidden);
  if (!shape.bias) return weights;
  if (shape.gated) weights.gate_bias = numbered<S>(400, 1, units);
  weights.up_bias = numbered<S>(500, 1, units);
  weights.down_bias = numbered<S>(600, shape.count(), shape.hidden);
  return weights;
}

template <class S>
ExpertWeights<S> zeros_like(ExpertWeights<S> weights) {
  for (Matrix<S>* matrix : {&weights.gate, &weights.up, &weights.down, &weights.gate_bias,
                            &weights.up_bias, &weights.down_bias}) {
    matrix->setZero();
  }
  return weights;
}

template <class S>
void expect_matrix(const Matrix<S>& actual, const Matrix<S>& expected, const char* what) {
  ASSERT_EQ(actual.rows(), expected.rows()) << what;
  ASSERT_EQ(actual.cols(), expected.cols()) << what;
  EXPECT_EQ(actual, expected) << what;
}

template <class S>
void expect_weights(const ExpertWeights<S>& actual, const ExpertWeights<S>& expected) {
  expect_matrix(actual.gate, expected.gate, "gate");
  expect_matrix(actual.up, expected.up, "up");
  expect_matrix(actual.down, expected.down, "down");
  expect_matrix(actual.gate_bias, expected.gate_bias, "gate bias");
  expect_matrix(actual.up_bias, expected.up_bias, "up bias");
  expect_matrix(actual.down_bias, expected.down_bias, "down bias");
}

TEST(ExpertShard, ItsShapeHasItsExpertsSizesAndTheLayersRest) {
  const ExpertShape whole = three_experts(true, true);
  const ExpertShape shape = shard_shape(whole, {0, 2});
  EXPECT_EQ(shape.first, (std::vector<Index>{0, 1, 3}));
  EXPECT_EQ(shape.count(), 2);
  EXPECT_EQ(shape.hidden, 2);
  EXPECT_EQ(shape.activation, Activation::gelu);
  EXPECT_TRUE(shape.gated);
  EXPECT_TRUE(shape.bias);
  EXPECT_EQ(shape.dropout, 0.25);
  EXPECT_EQ(shape.name, "layer 3 experts");
  EXPECT_EQ(shard_shape(whole, {1}).first, (std::vector<Index>{0, 3}));
  EXPECT_EQ(shard_shape(whole, {}).count(), 0);
}

// Experts 0 and 2 are the units 0, 4 and 5.
TEST(ExpertShard, HoldsTheUnitsOfItsExperts) {
  const ExpertShape whole = three_experts(true, true);
  const ExpertWeights<double> shard = shard_weights(numbered_weights<double>(whole), whole, {0, 2});
  expect_weights(shard, {.gate = Matrix<double>{{100, 101}, {140, 141}, {150, 151}},
                         .up = Matrix<double>{{200, 201}, {240, 241}, {250, 251}},
                         .down = Matrix<double>{{300, 301}, {340, 341}, {350, 351}},
                         .gate_bias = Matrix<double>{{400, 404, 405}},
                         .up_bias = Matrix<double>{{500, 504, 505}},
                         .down_bias = Matrix<double>{{600, 601}, {620, 621}}});
}

TEST(ExpertShard, HasNoMatrixThatTheLayerHasNot) {
  const ExpertShape whole = three_experts(false, false);
  const ExpertWeights<float> shard = shard_weights(numbered_weights<float>(whole), whole, {1});
  expect_weights(shard, {.gate = {},
                         .up = Matrix<float>{{210, 211}, {220, 221}, {230, 231}},
                         .down = Matrix<float>{{310, 311}, {320, 321}, {330, 331}},
                         .gate_bias = {},
                         .up_bias = {},
                         .down_bias = {}});
  const ExpertShape with_bias = three_experts(false, true);
  const ExpertWeights<float> biased =
      shard_weights(numbered_weights<float>(with_bias), with_bias, {1});
  EXPECT_EQ(biased.gate_bias.size(), 0);
  expect_matrix(biased.up_bias, Matrix<float>{{501, 502, 503}}, "up bias");
  expect_matrix(biased.down_bias, Matrix<float>{{610, 611}}, "down bias");
}

TEST(ExpertShard, OfNoExpertsIsEmptyAndAddsNothing) {
  const ExpertShape whole = three_experts(true, true);
  const ExpertWeights<double> weights = numbered_weights<double>(whole);
  const ExpertWeights<double> shard = shard_weights(weights, whole, {});
  EXPECT_EQ(shard.up.rows(), 0);
  EXPECT_EQ(shard.up_bias.cols(), 0);
  EXPECT_EQ(shard.down_bias.rows(), 0);
  ExpertWeights<double> sum = weights;
  add_shard(shard, whole, {}, sum);
  expect_weights(sum, weights);
}

// Expert 1 has a replica on both ranks, so its units 1 to 3 count twice.
TEST(ExpertShard, ReplicasAddUp) {
  const ExpertShape whole = three_experts(true, true);
  const ExpertWeights<double> weights = numbered_weights<double>(whole);
  ExpertWeights<double> sum = zeros_like(weights);
  for (const std::vector<int>& experts : {std::vector<int>{0, 1}, std::vector<int>{1, 2}}) {
    add_shard(shard_weights(weights, whole, experts), whole, experts, sum);
  }
  ExpertWeights<double> expected = weights;
  for (Matrix<double>* matrix : {&expected.gate, &expected.up, &expected.down}) {
    matrix->middleRows(1, 3) *= 2;
  }
  for (Matrix<double>* matrix : {&expected.gate_bias, &expected.up_bias}) {
    matrix->middleCols(1, 3) *= 2;
  }
  expected.down_bias.row(1) *= 2;
  expect_weights(sum, expected);
}

// Up to 8 experts of 1 to 5 units, each given to one of up to 4 ranks: the ranks' shards, added to
// zero, are the layer again, bit for bit.
template <class S>
void expect_shards_make_the_whole(std::uint64_t seed) {
  base::Rng rng(seed, "shards");
  ExpertShape whole = three_experts(rng.below(2) == 0, rng.below(2) == 0);
  whole.first = {0};
  std::vector<std::vector<int>> ranks(1 + rng.below(4));
  const int count = 1 + static_cast<int>(rng.below(8));
  for (int expert = 0; expert < count; ++expert) {
    whole.first.push_back(whole.first.back() + 1 + static_cast<Index>(rng.below(5)));
    ranks[rng.below(ranks.size())].push_back(expert);
  }
  const ExpertWeights<S> weights = numbered_weights<S>(whole);
  ExpertWeights<S> sum = zeros_like(weights);
  for (const std::vector<int>& experts : ranks) {
    add_shard(shard_weights(weights, whole, experts), whole, experts, sum);
  }
  expect_weights(sum, weights);
}

TEST(ExpertShard, TheShardsOfAllRanksMakeTheWhole) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    expect_shards_make_the_whole<float>(seed);
    expect_shards_make_the_whole<double>(seed);
  }
}

}  // namespace
}  // namespace moesim::model
