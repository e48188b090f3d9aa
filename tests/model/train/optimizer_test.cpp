// SPDX-License-Identifier: Apache-2.0
#include "model/train/optimizer.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/checkpoint/float16.h"
#include "tests/model/train/small_training.h"

namespace moesim::model {
namespace {

using Parameters = std::vector<Parameter<float>>;
using moesim::testing::parameter_of;

// One matrix and its optimizer.
struct Lone {
  explicit Lone(const TrainingConfig& config, Matrix<float> start, bool decay = true)
      : training(config), values(std::move(start)) {
    parameter = parameter_of(values);
    parameter.decay = decay;
    state = fresh_optimizer(training, Parameters{parameter});
    if (training.bf16_weights) round_weights(Parameters{parameter});
  }

  void step(Matrix<float> gradient, double learning_rate, double scale = 1) {
    const auto runs = plan_learning_runs(training, Parameters{parameter}, {});
    OptimizerStep{training, runs, learning_rate, scale}.run(Parameters{parameter_of(gradient)},
                                                            Parameters{parameter}, state, threads);
  }

  TrainingConfig training;
  Matrix<float> values;
  Parameter<float> parameter;
  OptimizerState state;
  base::ThreadPool threads{1};
};

TrainingConfig adamw() {
  TrainingConfig training;
  training.beta1 = 0.9;
  training.beta2 = 0.99;
  training.epsilon = 1e-8;
  training.weight_decay = 0.5;
  return training;
}

// By hand, from w = 1 with learning rate 0.1 and decay 0.5 (a step keeps 0.95 of w):
//   g = 2: m = 0.2, v = 0.04; both corrections undo 1 - beta: m^ = 2, v^ = 4; the step is 0.1 x 1:
//          w = 0.95 - 0.1 = 0.85
//   g = -1: m = 0.18 - 0.1 = 0.08, m^ = 0.08 / 0.19 = 0.4210526; v = 0.0396 + 0.01 = 0.0496,
//          v^ = 0.0496 / 0.0199 = 2.4924623, its root 1.5787534; the step is 0.1 x 0.2667:
//          w = 0.8075 - 0.0266699 = 0.7808301
TEST(Optimizer, AdamwsFirstTwoStepsByHand) {
  Lone lone(adamw(), Matrix<float>{{1}});
  lone.step(Matrix<float>{{2}}, 0.1);
  EXPECT_NEAR(lone.values(0, 0), 0.85, 1e-6);
  lone.step(Matrix<float>{{-1}}, 0.1);
  EXPECT_NEAR(lone.state.momentum[0](0, 0), 0.08, 1e-7);
  EXPECT_NEAR(lone.state.variance[0](0, 0), 0.0496, 1e-7);
  EXPECT_NEAR(lone.values(0, 0), 0.7808301, 1e-6);
  EXPECT_EQ(lone.state.steps, 2);
}

// Norms and biases keep their size: w = 1 - 0.1.
TEST(Optimizer, OnlyMatricesDecay) {
  Lone lone(adamw(), Matrix<float>{{1}}, false);
  lone.step(Matrix<float>{{2}}, 0.1);
  EXPECT_NEAR(lone.values(0, 0), 0.9, 1e-6);
}

// Momentum 0.9, decay 0.5, learning rate 0.1, from w = 1: v = 2, w = 0.95 - 0.2 = 0.75;
// then v = 1.8 - 1 = 0.8, w = 0.7125 - 0.08 = 0.6325.
TEST(Optimizer, SgdsFirstTwoStepsByHand) {
  TrainingConfig training = adamw();
  training.optimizer = OptimizerType::sgd;
  training.momentum = 0.9;
  Lone lone(training, Matrix<float>{{1}});
  EXPECT_TRUE(lone.state.variance.empty());
  lone.step(Matrix<float>{{2}}, 0.1);
  EXPECT_NEAR(lone.values(0, 0), 0.75, 1e-6);
  lone.step(Matrix<float>{{-1}}, 0.1);
  EXPECT_NEAR(lone.values(0, 0), 0.6325, 1e-6);
}

// A step with gradients scaled by 1/4 is the step with a quarter of the gradients.
TEST(Optimizer, TheScaleMultipliesTheGradient) {
  Lone scaled(adamw(), Matrix<float>{{1, 2}});
  Lone direct(adamw(), Matrix<float>{{1, 2}});
  scaled.step(Matrix<float>{{8, -4}}, 0.1, 0.25);
  direct.step(Matrix<float>{{2, -1}}, 0.1);
  EXPECT_EQ(scaled.values, direct.values);
}

TEST(Optimizer, FindsTheBottomOfAParabola) {
  TrainingConfig training = adamw();
  training.weight_decay = 0;
  Lone lone(training, Matrix<float>{{0}});
  for (int i = 0; i < 400; ++i) lone.step(Matrix<float>{{2 * (lone.values(0, 0) - 3)}}, 0.05);
  EXPECT_NEAR(lone.values(0, 0), 3, 0.02);
}

// Steps of 1e-4 from 1: the nearest bf16 above 1 is 1.0078, so that rounded weights alone would
// never move; the masters carry the sum.
TEST(Optimizer, Bfloat16WeightsMoveByTheirMasters) {
  TrainingConfig training = adamw();
  training.weight_decay = 0;
  training.bf16_weights = true;
  Lone lone(training, Matrix<float>{{1}});
  for (int i = 0; i < 100; ++i) {
    lone.step(Matrix<float>{{-1}}, 1e-4);
    EXPECT_EQ(lone.values(0, 0), round_to_bfloat16(lone.values(0, 0)));
    EXPECT_EQ(lone.values(0, 0), round_to_bfloat16(lone.state.masters[0](0, 0)));
  }
  EXPECT_NEAR(lone.state.masters[0](0, 0), 1.01, 1e-5);
  EXPECT_EQ(lone.values(0, 0), 1.0078125F);
}

Parameters two_groups(Matrix<float>& router, Matrix<float>& head) {
  Parameters parameters = {parameter_of(router), parameter_of(head)};
  parameters[0].group = ParameterGroup::router;
  parameters[1].group = ParameterGroup::head;
  return parameters;
}

// Norm of (3, 0, 4) is 5; what is frozen does not count.
TEST(Optimizer, TheGradientNormIsOfAllThatLearns) {
  Matrix<float> router{{3, 0}};
  Matrix<float> head{{4}};
  const Parameters gradients = two_groups(router, head);
  TrainingConfig training = adamw();
  base::ThreadPool threads(2);
  EXPECT_DOUBLE_EQ(gradient_norm(plan_learning_runs(training, gradients, {}), gradients, threads),
                   5);
  training.learning_rate_of = {{"head", 0}};
  EXPECT_DOUBLE_EQ(gradient_norm(plan_learning_runs(training, gradients, {}), gradients, threads),
                   3);
}

// Adam's first step is the learning rate: 0.1 x 0.5 for the router; the head is frozen.
TEST(Optimizer, GroupsLearnAtTheirOwnRates) {
  TrainingConfig training = adamw();
  training.weight_decay = 0;
  training.learning_rate_of = {{"router", 0.5}, {"head", 0}};
  Matrix<float> router{{1}};
  Matrix<float> head{{1}};
  Matrix<float> slopes[] = {Matrix<float>{{1}}, Matrix<float>{{1}}};
  const Parameters weights = two_groups(router, head);
  OptimizerState state = fresh_optimizer(training, weights);
  base::ThreadPool threads(1);
  const auto runs = plan_learning_runs(training, weights, {});
  OptimizerStep{training, runs, 0.1}.run(two_groups(slopes[0], slopes[1]), weights, state, threads);
  EXPECT_NEAR(router(0, 0), 0.95, 1e-6);
  EXPECT_EQ(head(0, 0), 1);
}

// Experts of 1 and 2 units: rows 0, and 1 to 2, of a stack; columns of its bias; rows of the bias
// of what comes out, one an expert. The second expert's multiplier is 3; a first of 0 is left out.
TEST(Optimizer, ExpertsLearnAtTheirOwnRates) {
  Matrix<float> up = Matrix<float>::Zero(3, 4);
  Matrix<float> up_bias = Matrix<float>::Zero(1, 3);
  Matrix<float> down_bias = Matrix<float>::Zero(2, 4);
  Parameters parameters = {parameter_of(up), parameter_of(up_bias), parameter_of(down_bias)};
  for (Parameter<float>& parameter : parameters) {
    parameter.group = ParameterGroup::expert;
    parameter.per_expert = true;
    parameter.layer = 1;
  }
  TrainingConfig training;
  training.learning_rate_of = {{"expert", 2}};
  training.expert_learning_rates = {{}, {0.5, 3}};
  const std::vector<int> sizes = {1, 2};
  const auto runs = plan_learning_runs(training, parameters, sizes);
  const std::vector<std::vector<double>> expected = {{0, 0, 4, 1}, {0, 4, 8, 6}, {1, 0, 1, 1},
                                                     {1, 1, 2, 6}, {2, 0, 4, 1}, {2, 4, 4, 6}};
  ASSERT_EQ(runs.size(), expected.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto parameter = static_cast<double>(runs[i].parameter);
    EXPECT_EQ((std::vector<double>{parameter, static_cast<double>(runs[i].first),
                                   static_cast<double>(runs[i].size), runs[i].rate}),
              expected[i]);
  }
  training.expert_learning_rates = {{}, {0, 3}};
  EXPECT_EQ(plan_learning_runs(training, parameters, sizes).size(), 3U);
}

TEST(Optimizer, ClippingShortensWhatIsTooLong) {
  EXPECT_EQ(clipping_scale(2, 8), 0.25);
  EXPECT_EQ(clipping_scale(2, 1), 1);
  EXPECT_EQ(clipping_scale(0, 8), 1);
}

TEST(Optimizer, WhatIsNotTrainedStays) {
  Matrix<float> values{{1}};
  Matrix<float> gradient{{1}};
  Parameter<float> parameter = parameter_of(values);
  parameter.trained = false;
  const TrainingConfig training = adamw();
  EXPECT_TRUE(fresh_optimizer(training, Parameters{parameter}).momentum.empty());
  EXPECT_TRUE(plan_learning_runs(training, Parameters{parameter}, {}).empty());
}

Matrix<float> random_matrix(Index rows, Index cols) {
  base::Rng rng(1, "matrix");
  Matrix<float> matrix(rows, cols);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = static_cast<float>(rng.normal());
  return matrix;
}

// Several chunks, one of them short, under both optimizers and with rounding.
TEST(Optimizer, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const OptimizerType type : {OptimizerType::adamw, OptimizerType::sgd}) {
    TrainingConfig training = adamw();
    training.optimizer = type;
    training.bf16_weights = true;
    std::vector<Matrix<float>> results;
    std::vector<double> norms;
    for (const int count : {1, 2, 4}) {
      Lone lone(training, random_matrix(301, 101));
      base::ThreadPool threads(count);
      Matrix<float> gradient = random_matrix(301, 101);
      const Parameters gradients = {parameter_of(gradient)};
      const auto runs = plan_learning_runs(training, Parameters{lone.parameter}, {});
      for (int i = 0; i < 3; ++i) {
        OptimizerStep{training, runs, 0.01, 0.5}.run(gradients, Parameters{lone.parameter},
                                                     lone.state, threads);
      }
      results.push_back(lone.values);
      norms.push_back(gradient_norm(runs, gradients, threads));
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_EQ(results[0], results[2]);
    EXPECT_EQ(norms[0], norms[1]);
    EXPECT_EQ(norms[0], norms[2]);
  }
}

}  // namespace
}  // namespace moesim::model
