// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "model/cpu/cpu_backend.h"
#include "model/train/step_engine.h"
#include "tests/model/layers/small_model.h"
#include "tests/model/train/small_training.h"

namespace moesim::model {
namespace {

using moesim::testing::random_bytes;
using moesim::testing::shaken_weights;
using moesim::testing::small_model;

// An engine and what it steps.
struct SmallEngine {
  const MoeGptConfig model = small_model();
  const TrainingConfig training{};
  base::ThreadPool threads{1};
  MoeGptWeights<float> weights = shaken_weights<float>(model, 2);
  OptimizerState optimizer = fresh_optimizer(training, parameters(weights));
  const std::vector<LearningRun> runs =
      plan_learning_runs(training, parameters(weights), model.expert_sizes());
  const std::unique_ptr<StepEngine> engine =
      make_cpu_step_engine({model, training, threads, weights, optimizer, runs});
};

// Two halves of a batch, each with half of the loss: the gradient's norm is that of the passes done
// by hand, and the decisions are those of every MoE layer of each half.
TEST(CpuStepEngine, AddsTheGradientsOfTheParts) {
  SmallEngine one;
  const auto backend = make_cpu_backend<float>(one.threads);
  MoeGptWeights<float> gradient = zero_gradient(one.weights);
  MoeGptCache<float> cache;
  std::vector<RoutedLayer> routing;
  for (const bool is_second : {false, true}) {
    const moesim::testing::Bytes bytes = random_bytes(10, is_second ? 6 : 5);
    const MoeGptLoss loss = one.engine->run({bytes.batch(), 1, is_second, 0.5}, routing);
    const Pass<float> pass{*backend, one.threads, true, 1, is_second};
    EXPECT_EQ(loss.cross_entropy,
              moe_gpt_loss(one.weights, one.model, pass, bytes.batch(), cache).cross_entropy);
    MoeGptBackward<float>{one.weights, one.model, pass, bytes.batch(), 0.5}.run(cache, gradient);
  }
  EXPECT_EQ(one.engine->gradient_norm(),
            gradient_norm(one.runs, parameters(gradient), one.threads));
  ASSERT_EQ(routing.size(), 4U);
  for (const RoutedLayer& layer : routing) EXPECT_EQ(layer.batch.tokens, 10);
}

// A step down the gradient lowers the loss of the same batch.
TEST(CpuStepEngine, StepsDownTheGradient) {
  SmallEngine one;
  const moesim::testing::Bytes bytes = random_bytes(20);
  std::vector<RoutedLayer> routing;
  const MoeGptLoss before = one.engine->run({bytes.batch(), 1, false, 1}, routing);
  one.engine->step({one.training, one.runs, 1e-3, 1});
  EXPECT_LT(one.engine->judge(bytes.batch()).cross_entropy, before.cross_entropy);
  EXPECT_EQ(one.engine->route(bytes.inputs).size(), 2U);
}

}  // namespace
}  // namespace moesim::model
