// SPDX-License-Identifier: Apache-2.0
#include "model/layers/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "model/cpu/cpu_backend.h"
#include "tests/model/layers/central_difference.h"

namespace moesim::model {
namespace {

template <class S>
struct Machine {
  explicit Machine(int count) : threads(count) {}
  Pass<S> pass() const { return {*backend, threads}; }

  mutable base::ThreadPool threads;
  std::unique_ptr<Backend<S>> backend = make_cpu_backend<S>(threads);
};

AttentionShape shape_of(int heads, int key_value_heads, int head_size, int seq_length) {
  return {heads, key_value_heads, head_size, seq_length, 0, "attention"};
}

AttentionWeights<double> random_weights(const AttentionShape& shape, Index hidden, bool bias,
                                        base::Rng& rng) {
  const Index width = shape.query_width() + 2 * shape.key_value_width();
  AttentionWeights<double> weights;
  weights.query_key_value.weight = random_matrix(width, hidden, rng);
  weights.output.weight = random_matrix(hidden, shape.query_width(), rng);
  if (bias) {
    weights.query_key_value.bias = random_matrix(1, width, rng);
    weights.output.bias = random_matrix(1, hidden, rng);
  }
  return weights;
}

// Equation 1 of the paper, row by row, over one whole sequence after another.
Matrix<double> attention_by_definition(const AttentionWeights<double>& weights,
                                       const AttentionShape& shape, const Matrix<double>& x) {
  const Matrix<double> qkv = (x * weights.query_key_value.weight.transpose()).rowwise() +
                             weights.query_key_value.bias.row(0);
  Matrix<double> mixed = Matrix<double>::Zero(x.rows(), shape.query_width());
  const Index size = shape.head_size;
  for (Index t = 0; t < x.rows(); ++t) {
    const Index first = t / shape.seq_length * shape.seq_length;
    for (Index head = 0; head < shape.num_heads; ++head) {
      const Index group = head / (shape.num_heads / shape.num_key_value_heads);
      const Index key = shape.query_width() + group * size;
      const Index value = key + shape.key_value_width();
      double sum = 0;
      for (Index k = first; k <= t; ++k) {
        const double score =
            qkv.row(t).segment(head * size, size).dot(qkv.row(k).segment(key, size)) /
            std::sqrt(static_cast<double>(size));
        sum += std::exp(score);
        mixed.row(t).segment(head * size, size) +=
            std::exp(score) * qkv.row(k).segment(value, size);
      }
      mixed.row(t).segment(head * size, size) /= sum;
    }
  }
  return (mixed * weights.output.weight.transpose()).rowwise() + weights.output.bias.row(0);
}

// Hidden 1, one head; the three projections are 1, so q = k = v = x; x = (0, ln 3) in one sequence.
// Token 0 sees itself: 0. Token 1 has scores (0, ln3 x ln3) and mixes (0, ln 3).
TEST(Attention, MixesTheValuesSeen) {
  const Machine<double> machine(1);
  const AttentionWeights<double> weights{{Matrix<double>{{1}, {1}, {1}}, {}},
                                         {Matrix<double>{{2}}, {}}};
  const double x = std::log(3.0);
  AttentionCache<double> cache;
  Matrix<double> y;
  Attention<double>{weights, shape_of(1, 1, 1, 2), machine.pass()}.forward(Matrix<double>{{0}, {x}},
                                                                           cache, y);
  const double share = std::exp(x * x) / (1 + std::exp(x * x));
  EXPECT_NEAR(y(0, 0), 0, 1e-15);
  EXPECT_NEAR(y(1, 0), 2 * share * x, 1e-14);
}

// 130 tokens in sequences of 75: blocks of 32 queries end within both, and the second is shorter.
TEST(Attention, EqualsItsDefinition) {
  const Machine<double> machine(2);
  base::Rng rng(1, "attention");
  for (const int key_value_heads : {4, 2, 1}) {
    const AttentionShape shape = shape_of(4, key_value_heads, 5, 75);
    const AttentionWeights<double> weights = random_weights(shape, 6, true, rng);
    const Matrix<double> x = random_matrix(130, 6, rng);
    AttentionCache<double> cache;
    Matrix<double> y;
    Attention<double>{weights, shape, machine.pass()}.forward(x, cache, y);
    EXPECT_LT((y - attention_by_definition(weights, shape, x)).norm(), 1e-12 * y.norm());
  }
}

// 70 tokens in sequences of 50: the second has 20. A change to token 40 may reach tokens 40 to 49
// only: not earlier ones, not the next sequence's.
TEST(Attention, IsCausalWithinSequences) {
  const Machine<double> machine(1);
  base::Rng rng(1, "attention");
  const AttentionShape shape = shape_of(2, 2, 2, 50);
  const AttentionWeights<double> weights = random_weights(shape, 4, false, rng);
  Matrix<double> x = random_matrix(70, 4, rng);
  AttentionCache<double> cache;
  Matrix<double> before;
  Attention<double>{weights, shape, machine.pass()}.forward(x, cache, before);
  x.row(40).array() += 1;
  Matrix<double> after;
  Attention<double>{weights, shape, machine.pass()}.forward(x, cache, after);
  for (Index t = 0; t < 70; ++t) {
    const bool reached = t >= 40 && t < 50;
    EXPECT_EQ((before.row(t) - after.row(t)).norm() > 0, reached) << "token " << t;
  }
}

// 40 tokens in sequences of 36: two blocks of queries, the second partly filled, and a short
// sequence. With dropout, the backward pass must draw what the forward pass drew.
TEST(Attention, GradientEqualsCentralDifferences) {
  const Machine<double> machine(2);
  base::Rng rng(2, "attention");
  for (const double dropout : {0.0, 0.3}) {
    AttentionShape shape = shape_of(4, 2, 2, 36);
    shape.dropout = dropout;
    Pass<double> pass = machine.pass();
    pass.training = true;
    pass.seed = 7;
    AttentionWeights<double> weights = random_weights(shape, 3, true, rng);
    Matrix<double> x = random_matrix(40, 3, rng);
    const Matrix<double> dy = random_matrix(40, 3, rng);
    AttentionCache<double> cache;
    Matrix<double> y;
    const auto loss = [&] {
      Attention<double>{weights, shape, pass}.forward(x, cache, y);
      return weighted_sum(y, dy);
    };
    loss();
    AttentionWeights<double> gradient;
    Matrix<double> dx;
    Attention<double>{weights, shape, pass}.backward(x, cache, dy, gradient, dx);
    expect_slopes(x, dx, loss);
    expect_slopes(weights.query_key_value.weight, gradient.query_key_value.weight, loss);
    expect_slopes(weights.query_key_value.bias, gradient.query_key_value.bias, loss);
    expect_slopes(weights.output.weight, gradient.output.weight, loss);
    expect_slopes(weights.output.bias, gradient.output.bias, loss);
  }
}

TEST(Attention, AddsToTheGradientWhenAsked) {
  const Machine<double> machine(1);
  base::Rng rng(3, "attention");
  const AttentionShape shape = shape_of(2, 1, 2, 5);
  const AttentionWeights<double> weights = random_weights(shape, 3, true, rng);
  const Matrix<double> x = random_matrix(9, 3, rng);
  AttentionCache<double> cache;
  Matrix<double> y;
  Pass<double> pass = machine.pass();
  Attention<double>{weights, shape, pass}.forward(x, cache, y);
  AttentionWeights<double> gradient;
  Matrix<double> dx;
  Attention<double>{weights, shape, pass}.backward(x, cache, y, gradient, dx);
  const AttentionWeights<double> once = gradient;
  const Matrix<double> dx_once = dx;
  pass.add_gradients = true;
  Attention<double>{weights, shape, pass}.backward(x, cache, y, gradient, dx);
  EXPECT_EQ(dx, dx_once);
  const auto expect_twice = [](const Matrix<double>& twice, const Matrix<double>& one) {
    EXPECT_LT((twice - 2 * one).norm(), 1e-13 * one.norm());
  };
  expect_twice(gradient.query_key_value.weight, once.query_key_value.weight);
  expect_twice(gradient.query_key_value.bias, once.query_key_value.bias);
  expect_twice(gradient.output.weight, once.output.weight);
  expect_twice(gradient.output.bias, once.output.bias);
}

// A probability that dropout took is not there, and the others are larger: over many draws the mean
// is the result without dropout. Values are 1, so a mixed value is the sum of the kept
// probabilities, twice as large each; its variance is at most 1, over 64 x 100 results. That just
// 32 of the last token's 64 probabilities stay happens to one draw in ten.
TEST(Attention, DropoutKeepsTheMean) {
  const Machine<double> machine(1);
  AttentionShape shape = shape_of(1, 1, 1, 64);
  shape.dropout = 0.5;
  const AttentionWeights<double> weights{{Matrix<double>{{0, 0}, {0, 0}, {0, 1}}, {}},
                                         {Matrix<double>{{1}, {0}}, {}}};
  const Matrix<double> x = Matrix<double>::Ones(64, 2);
  AttentionCache<double> cache;
  Matrix<double> y;
  Pass<double> pass = machine.pass();
  pass.training = true;
  double sum = 0;
  int changed = 0;
  for (pass.seed = 0; pass.seed < 100; ++pass.seed) {
    Attention<double>{weights, shape, pass}.forward(x, cache, y);
    sum += y.col(0).sum();
    changed += y(63, 0) != 1;
  }
  EXPECT_GT(changed, 70);
  EXPECT_NEAR(sum / 6400, 1, 0.05);
}

template <class S>
void expect_same_bits_for_any_thread_count() {
  base::Rng rng(4, "attention");
  AttentionShape shape = shape_of(4, 2, 8, 50);
  shape.dropout = 0.1;
  const AttentionWeights<double> random = random_weights(shape, 16, true, rng);
  AttentionWeights<S> weights;
  weights.query_key_value.weight = random.query_key_value.weight.cast<S>();
  weights.query_key_value.bias = random.query_key_value.bias.cast<S>();
  weights.output.weight = random.output.weight.cast<S>();
  weights.output.bias = random.output.bias.cast<S>();
  const Matrix<S> x = random_matrix(120, 16, rng).cast<S>();
  Matrix<S> first_y;
  Matrix<S> first_dx;
  AttentionWeights<S> first;
  for (const int threads : {1, 2, 4}) {
    const Machine<S> machine(threads);
    Pass<S> pass = machine.pass();
    pass.training = true;
    AttentionCache<S> cache;
    Matrix<S> y;
    Matrix<S> dx;
    AttentionWeights<S> gradient;
    Attention<S>{weights, shape, pass}.forward(x, cache, y);
    Attention<S>{weights, shape, pass}.backward(x, cache, y, gradient, dx);
    if (threads == 1) {
      first_y = y;
      first_dx = dx;
      first = gradient;
    }
    EXPECT_EQ(y, first_y);
    EXPECT_EQ(dx, first_dx);
    EXPECT_EQ(gradient.query_key_value.weight, first.query_key_value.weight);
    EXPECT_EQ(gradient.query_key_value.bias, first.query_key_value.bias);
    EXPECT_EQ(gradient.output.weight, first.output.weight);
  }
}

TEST(Attention, GivesTheSameBitsForAnyThreadCount) {
  expect_same_bits_for_any_thread_count<float>();
  expect_same_bits_for_any_thread_count<double>();
}

// Scores of +-1e4 would overflow an exponential that is not taken relative to the largest.
TEST(Attention, SurvivesLargeScores) {
  const Machine<float> machine(1);
  const AttentionWeights<float> weights{{Matrix<float>{{100}, {100}, {1}}, {}},
                                        {Matrix<float>{{1}}, {}}};
  AttentionCache<float> cache;
  Matrix<float> y;
  Attention<float>{weights, shape_of(1, 1, 1, 3), machine.pass()}.forward(
      Matrix<float>{{1}, {-1}, {2}}, cache, y);
  EXPECT_EQ(y, (Matrix<float>{{1}, {-1}, {2}}));
}

TEST(Attention, NextEqualsTheLastRowOverAllTokens) {
  const Machine<double> machine(2);
  base::Rng rng(5, "attention");
  const AttentionShape shape = shape_of(6, 2, 3, 40);
  const AttentionWeights<double> weights = random_weights(shape, 7, true, rng);
  const Matrix<double> x = random_matrix(40, 7, rng);
  KeyValueCache<double> past;
  past.keys.resize(40, shape.key_value_width());
  past.values.resize(40, shape.key_value_width());
  const Matrix<double> all = attention_by_definition(weights, shape, x);
  for (Index t = 0; t < 40; ++t) {
    Matrix<double> y;
    Attention<double>{weights, shape, machine.pass()}.next(Matrix<double>(x.row(t)), past, y);
    EXPECT_EQ(past.length, t + 1);
    EXPECT_LT((y - all.row(t)).norm(), 1e-12 * (1 + y.norm()));
  }
}

}  // namespace
}  // namespace moesim::model
