// SPDX-License-Identifier: Apache-2.0
#include "model/layers/expert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/support/numerics.h"

namespace moesim::model {
namespace {

using testing::expect_slopes;
using testing::OwnedPass;
using testing::random_matrix;

constexpr Index kHidden = 7;

// Four experts of different sizes on 9 rows: 4, 0, 3 and 2 of them.
const std::vector<Index> kFirstRow = {0, 4, 4, 7, 9};

ExpertShape shape_of(Activation activation, bool gated, bool bias) {
  ExpertShape shape;
  shape.hidden = kHidden;
  shape.first = {0, 5, 8, 9, 15};
  shape.activation = activation;
  shape.gated = gated;
  shape.bias = bias;
  shape.name = "experts";
  return shape;
}

template <class S>
ExpertWeights<S> random_weights(const ExpertShape& shape, base::Rng& rng) {
  const Index units = shape.first.back();
  ExpertWeights<S> weights;
  if (shape.gated) weights.gate = random_matrix<S>(units, kHidden, rng);
  weights.up = random_matrix<S>(units, kHidden, rng);
  weights.down = random_matrix<S>(units, kHidden, rng);
  if (shape.bias) {
    if (shape.gated) weights.gate_bias = random_matrix<S>(1, units, rng);
    weights.up_bias = random_matrix<S>(1, units, rng);
    weights.down_bias = random_matrix<S>(shape.count(), kHidden, rng);
  }
  return weights;
}

double activate(Activation activation, double x) {
  const double c = std::sqrt(2 / std::numbers::pi);
  switch (activation) {
    case Activation::gelu:
      return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(c * (x + 0.044715 * x * x * x)));
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
  }
  return 0;
}

// One row through one expert, from the formula.
Matrix<double> formula(const ExpertWeights<double>& weights, const ExpertShape& shape, int expert,
                       const Matrix<double>& row) {
  const Index first = shape.first[expert];
  const Index units = shape.units(expert);
  Matrix<double> up = row * weights.up.middleRows(first, units).transpose();
  if (shape.bias) up += weights.up_bias.middleCols(first, units);
  Matrix<double> inner = up;
  if (shape.gated) {
    inner = row * weights.gate.middleRows(first, units).transpose();
    if (shape.bias) inner += weights.gate_bias.middleCols(first, units);
  }
  for (double& x : inner.reshaped()) x = activate(shape.activation, x);
  if (shape.gated) inner.array() *= up.array();
  Matrix<double> result = inner * weights.down.middleRows(first, units);
  if (shape.bias) result += weights.down_bias.row(expert);
  return result;
}

struct Form {
  Activation activation;
  bool gated;
  bool bias;
};

std::vector<Form> all_forms() {
  std::vector<Form> forms;
  for (const Activation activation : {Activation::gelu, Activation::gelu_tanh, Activation::relu,
                                      Activation::silu, Activation::tanh}) {
    for (const bool gated : {false, true}) {
      for (const bool bias : {false, true}) forms.push_back({activation, gated, bias});
    }
  }
  return forms;
}

std::string text(const Form& form) {
  return std::to_string(static_cast<int>(form.activation)) + (form.gated ? " gated" : " plain") +
         (form.bias ? " with biases" : "");
}

TEST(Experts, EachRowGoesThroughItsOwnExpert) {
  const OwnedPass<double> owned;
  for (const Form& form : all_forms()) {
    base::Rng rng(3, "experts");
    const ExpertShape shape = shape_of(form.activation, form.gated, form.bias);
    const auto weights = random_weights<double>(shape, rng);
    const auto input = random_matrix<double>(9, kHidden, rng);
    ExpertCache<double> cache;
    Matrix<double> output;
    Experts<double>{weights, shape, owned.pass}.forward(kFirstRow, input, cache, output);
    for (int expert = 0; expert < shape.count(); ++expert) {
      for (Index row = kFirstRow[expert]; row < kFirstRow[expert + 1]; ++row) {
        const Matrix<double> expected = formula(weights, shape, expert, input.row(row));
        EXPECT_NEAR((output.row(row) - expected).norm(), 0, 1e-12) << text(form) << row;
      }
    }
  }
}

// The loss sum_r w_r <c_r, expert(x_r)>, and all its gradients.
struct WeightedLoss {
  ExpertShape shape;
  OwnedPass<double> owned;
  ExpertWeights<double> weights;
  Matrix<double> input;
  Matrix<double> row_weights;  // [rows, 1]
  Matrix<double> c;

  explicit WeightedLoss(const ExpertShape& shape_) : shape(shape_) {
    base::Rng rng(5, "weighted loss");
    weights = random_weights<double>(shape, rng);
    input = random_matrix<double>(9, kHidden, rng);
    row_weights = random_matrix<double>(9, 1, rng);
    c = random_matrix<double>(9, kHidden, rng);
  }

  double forward(ExpertCache<double>& cache) const {
    Matrix<double> output;
    Experts<double>{weights, shape, owned.pass}.forward(kFirstRow, input, cache, output);
    return (output.cwiseProduct(c).rowwise().sum().transpose() * row_weights)(0, 0);
  }
  double loss() const {
    ExpertCache<double> cache;
    return forward(cache);
  }
};

void expect_right_gradients(const ExpertShape& shape, bool training) {
  WeightedLoss l(shape);
  l.owned.pass.training = training;
  ExpertCache<double> cache;
  l.forward(cache);
  ExpertWeights<double> gradient;
  Matrix<double> d_input = l.c;  // takes the place of the output's gradient
  Matrix<double> d_weights(9, 1);
  const ExpertRows<double> rows{.d_output = d_input,
                                .d_input = d_input,
                                .weights = l.row_weights.data(),
                                .d_weights = d_weights.data()};
  Experts<double>{l.weights, shape, l.owned.pass}.backward(l.input, rows, cache, gradient);
  const auto check = [&](const char* name, Matrix<double>& values, const Matrix<double>& slopes) {
    if (values.size() == 0) return;
    expect_slopes({name}, values, slopes, [&] { return l.loss(); });
  };
  check("gate", l.weights.gate, gradient.gate);
  check("up", l.weights.up, gradient.up);
  check("down", l.weights.down, gradient.down);
  check("gate bias", l.weights.gate_bias, gradient.gate_bias);
  check("up bias", l.weights.up_bias, gradient.up_bias);
  check("down bias", l.weights.down_bias, gradient.down_bias);
  check("input", l.input, d_input);
  check("row weights", l.row_weights, d_weights);
  // Expert 1 has no rows.
  EXPECT_EQ(gradient.up.middleRows(5, 3).norm(), 0);
  EXPECT_EQ(gradient.down.middleRows(5, 3).norm(), 0);
}

TEST(Experts, GradientsMatchDifferencesInEveryForm) {
  for (const Form& form : all_forms()) {
    SCOPED_TRACE(text(form));
    expect_right_gradients(shape_of(form.activation, form.gated, form.bias), false);
  }
}

TEST(Experts, GradientsMatchDifferencesUnderDropout) {
  for (const bool gated : {false, true}) {
    ExpertShape shape = shape_of(Activation::silu, gated, true);
    shape.dropout = 0.4;
    expect_right_gradients(shape, true);
  }
}

// A plain expert of one unit with weights 1 passes relu(x) on; dropout at rate 0.25 gives 0 or
// x / 0.75. Of 4000 rows about 1000 are dropped; the deviation is sqrt(4000 x 3/16) = 27.
TEST(Experts, DropoutZeroesAndScalesWhileTraining) {
  ExpertShape shape;
  shape.hidden = 1;
  shape.first = {0, 1};
  shape.activation = Activation::relu;
  shape.gated = false;
  shape.dropout = 0.25;
  const ExpertWeights<double> weights{.gate = {},
                                      .up = Matrix<double>{{1}},
                                      .down = Matrix<double>{{1}},
                                      .gate_bias = {},
                                      .up_bias = {},
                                      .down_bias = {}};
  const Matrix<double> input = Matrix<double>::Constant(4000, 1, 3);
  const std::vector<Index> first_row = {0, 4000};
  OwnedPass<double> owned;
  ExpertCache<double> cache;
  Matrix<double> output;
  const Experts<double> experts{weights, shape, owned.pass};
  experts.forward(first_row, input, cache, output);
  EXPECT_EQ((output.array() == 3).count(), 4000);
  owned.pass.training = true;
  experts.forward(first_row, input, cache, output);
  const Index dropped = (output.array() == 0).count();
  EXPECT_NEAR(static_cast<double>(dropped), 1000, 5 * 27);
  EXPECT_EQ((output.array() == 4).count(), 4000 - dropped);
}

TEST(Experts, GradientsAddUpWhenAsked) {
  WeightedLoss l(shape_of(Activation::silu, true, true));
  ExpertWeights<double> once;
  ExpertWeights<double> twice;
  Matrix<double> d_once;
  Matrix<double> d_twice = Matrix<double>::Constant(9, kHidden, 10);
  for (const bool add : {false, true}) {
    ExpertCache<double> cache;
    l.forward(cache);
    l.owned.pass.add_gradients = add;
    const ExpertRows<double> rows{.d_output = l.c, .d_input = d_once};
    const Experts<double> experts{l.weights, l.shape, l.owned.pass};
    experts.backward(l.input, rows, cache, twice);
    if (add) continue;
    once = twice;
    ExpertCache<double> again;
    l.forward(again);
    const ExpertRows<double> adding{.d_output = l.c, .d_input = d_twice, .add_to_d_input = true};
    ExpertWeights<double> unused;
    experts.backward(l.input, adding, again, unused);
  }
  EXPECT_LT((twice.gate - 2 * once.gate).norm(), 1e-13 * once.gate.norm());
  EXPECT_LT((twice.down - 2 * once.down).norm(), 1e-13 * once.down.norm());
  EXPECT_LT((twice.down_bias - 2 * once.down_bias).norm(), 1e-13 * once.down_bias.norm());
  EXPECT_LT((twice.up_bias - 2 * once.up_bias).norm(), 1e-13 * once.up_bias.norm());
  EXPECT_LT((d_twice.array() - 10 - d_once.array()).matrix().norm(), 1e-12 * d_once.norm());
}

struct FloatRun {
  Matrix<float> output;
  ExpertWeights<float> gradient;
  Matrix<float> d_input;
};

FloatRun run_floats(int threads) {
  ExpertShape shape = shape_of(Activation::gelu, true, true);
  shape.dropout = 0.1;
  base::Rng rng(7, "floats");
  const auto weights = random_weights<float>(shape, rng);
  const std::vector<Index> first_row = {0, 101, 101, 180, 300};
  const auto input = random_matrix<float>(300, kHidden, rng);
  const auto c = random_matrix<float>(300, kHidden, rng);
  OwnedPass<float> owned(threads);
  owned.pass.training = true;
  const Experts<float> experts{weights, shape, owned.pass};
  FloatRun run;
  ExpertCache<float> cache;
  experts.forward(first_row, input, cache, run.output);
  experts.backward(input, {.d_output = c, .d_input = run.d_input}, cache, run.gradient);
  return run;
}

TEST(Experts, TheNumberOfThreadsChangesNoBit) {
  const FloatRun alone = run_floats(1);
  for (const int threads : {2, 4}) {
    const FloatRun together = run_floats(threads);
    EXPECT_EQ(alone.output, together.output);
    EXPECT_EQ(alone.d_input, together.d_input);
    EXPECT_EQ(alone.gradient.gate, together.gradient.gate);
    EXPECT_EQ(alone.gradient.up, together.gradient.up);
    EXPECT_EQ(alone.gradient.down, together.gradient.down);
    EXPECT_EQ(alone.gradient.down_bias, together.gradient.down_bias);
  }
}

}  // namespace
}  // namespace moesim::model
