// SPDX-License-Identifier: Apache-2.0
// Whole training steps on the device against the trainer on the processor: the same routing, the
// same losses, the same weights and moments, bit for bit.
#include "model/cuda/cuda_step_engine.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/model/train/small_training.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::expect_same_state;
using moesim::testing::on_each_device;
using moesim::testing::small_trained_model;
using moesim::testing::small_training;
using moesim::testing::words_text;

struct TrainingCase {
  std::string name;
  MoeGptConfig model = small_trained_model();
  TrainingConfig training = small_training(3);
};

void expect_same_training(Device& device, const TrainingCase& one) {
  SCOPED_TRACE(one.name);
  const std::vector<std::uint8_t> text = words_text(600);
  Trainer processor(one.model, one.training, text, 2);
  Trainer on_device(one.model, one.training, text, {1, &device});
  for (int i = 0; i < one.training.steps; ++i) {
    const StepReport expected = processor.step();
    const StepReport report = on_device.step();
    ASSERT_EQ(report.routing, expected.routing) << "step " << i + 1;
    ASSERT_EQ(report.record, expected.record) << "step " << i + 1;
  }
  EXPECT_EQ(on_device.validate(), processor.validate());
  EXPECT_EQ(on_device.route_validation(), processor.route_validation());
  expect_same_state(processor.state(), on_device.state());
}

void expect_same(const TrainingCase& one) {
  on_each_device([&](Device& device) { expect_same_training(device, one); });
}

TEST(CudaStepEngine, TrainsAsTheProcessorDoes) { expect_same({.name = "small"}); }

TEST(CudaStepEngine, TrainsWithEveryDropout) {
  TrainingCase one{.name = "dropout"};
  one.model.embedding_dropout = 0.1;
  one.model.attention_dropout = 0.2;
  one.model.residual_dropout = 0.1;
  one.model.expert_dropout = 0.3;
  expect_same(one);
}

// The first block is dense, the others have shared experts and experts of two sizes, and two query
// heads share a key head.
TEST(CudaStepEngine, TrainsDenseSharedAndUnevenExperts) {
  TrainingCase one{.name = "dense, shared, uneven"};
  one.model.num_hidden_layers = 3;
  one.model.first_k_dense_replace = 1;
  one.model.intermediate_size = 20;
  one.model.n_shared_experts = 1;
  one.model.expert_intermediate_sizes = {3, 8, 70, 8, 1, 8, 8, 130};
  one.model.num_attention_heads = 4;
  one.model.num_key_value_heads = 2;
  one.model.seq_length = 70;  // more than one piece of queries, and the last not whole
  one.training.batch_size = 2;
  expect_same(one);
}

TEST(CudaStepEngine, TrainsWithBiasesAndWithoutGates) {
  for (const Activation activation : {Activation::gelu, Activation::gelu_tanh, Activation::relu,
                                      Activation::silu, Activation::tanh}) {
    TrainingCase one{.name = "biases"};
    one.model.num_hidden_layers = 1;
    one.model.attention_bias = true;
    one.model.mlp_bias = true;
    one.model.gated = activation == Activation::tanh;
    one.model.hidden_act = activation;
    one.model.tie_word_embeddings = activation != Activation::relu;
    one.training.steps = 2;
    expect_same(one);
  }
}

TEST(CudaStepEngine, TrainsRoutersWithKernels) {
  TrainingCase one{.name = "sigmoid, groups, losses"};
  RouterConfig& router = one.model.router;
  router.type = RouterType::group_limited;
  router.n_group = 4;
  router.topk_group = 2;
  router.score_function = ScoreFunction::sigmoid;
  router.routed_scaling_factor = 1.5;
  router.renormalise_after_drop = true;
  router.capacity_factor = 0.7;
  router.balance = {.aux_loss_coef = 0.02,
                    .seq_aux_loss_coef = 0.01,
                    .variance_loss_coef = 0.3,
                    .z_loss_coef = 1e-2,
                    .bias_update_rate = 1e-2};
  expect_same(one);
  one.name = "scores as they are";
  router.weights = RoutingWeights::as_is;
  router.token_drop_policy = TokenDropPolicy::position;
  expect_same(one);
  one.name = "to the next best expert";
  router.overflow = OverflowPolicy::next_best;
  expect_same(one);
  one.name = "softmax as it is";
  router.overflow = OverflowPolicy::drop;
  router.score_function = ScoreFunction::softmax;
  router.capacity_factor.reset();
  expect_same(one);
}

TEST(CudaStepEngine, LeavesRoutersWithoutKernelsToTheProcessor) {
  for (const RouterType type : {RouterType::noisy_top_k, RouterType::expert_choice,
                                RouterType::hash, RouterType::two_level, RouterType::sinkhorn}) {
    TrainingCase one{.name = "router " + std::to_string(static_cast<int>(type))};
    one.model.num_hidden_layers = 1;
    one.model.router.type = type;
    one.model.router.n_group = type == RouterType::two_level ? 2 : 1;
    if (type == RouterType::expert_choice) one.model.router.balance.aux_loss_coef = 0;
    if (type == RouterType::hash) one.model.router.balance.aux_loss_coef = 0;
    one.training.micro_batches = 2;
    one.training.steps = 2;
    expect_same(one);
  }
  TrainingCase one{.name = "jitter"};
  one.model.router.input_jitter = 0.1;
  expect_same(one);
}

TEST(CudaStepEngine, AddsMicroBatchesUp) {
  TrainingCase one{.name = "micro-batches"};
  one.training.micro_batches = 2;
  one.model.mlp_bias = true;
  one.model.attention_bias = true;
  expect_same(one);
}

// Rates of groups and of experts, one frozen, and weights in bf16 beside their masters.
TEST(CudaStepEngine, StepsByEveryOptimizer) {
  TrainingCase one{.name = "bf16, rates"};
  one.training.bf16_weights = true;
  one.training.learning_rate_of = {{"attention", 0.5}, {"norm", 0}};
  one.training.expert_learning_rates = {{1, 1, 2, 1, 0, 1, 1, 1}, {}};
  expect_same(one);
  one = {.name = "sgd"};
  one.training.optimizer = OptimizerType::sgd;
  expect_same(one);
}

TEST(CudaStepEngine, GoesOnFromAState) {
  on_each_device([](Device& device) {
    const MoeGptConfig model = small_trained_model();
    const TrainingConfig training = small_training(4);
    const std::vector<std::uint8_t> text = words_text(600);
    Trainer first(model, training, text, {1, &device});
    first.step();
    first.step();
    Trainer second(model, training, text, {1, &device}, std::move(first).take_state());
    second.step();
    expect_same_state(moesim::testing::trained_state(model, training, 3), second.state());
  });
}

// Over 200 steps on a GPU, over four on an emulated device, whose steps take a tenth of a second.
int steps_to_follow(const Device& device) { return device.name() == "emulated" ? 4 : 200; }

// The first step's routing, and the losses, which may drift apart where a library sums in an order
// of its own.
void expect_near_losses(Device& device) {
  const MoeGptConfig model = small_trained_model();
  const int steps = steps_to_follow(device);
  const std::vector<std::uint8_t> text = words_text(600);
  Trainer processor(model, small_training(steps), text, 2);
  Trainer on_device(model, small_training(steps), text, {1, &device});
  for (int i = 0; i < steps; ++i) {
    const StepReport expected = processor.step();
    const StepReport report = on_device.step();
    ASSERT_NEAR(report.record.loss, expected.record.loss, 1e-2) << "step " << i + 1;
    if (i == 0 && device.products() == ProductMode::in_order) {
      EXPECT_EQ(report.routing, expected.routing);
    }
  }
}

TEST(CudaStepEngine, FollowsTheProcessorsLosses) { on_each_device(expect_near_losses); }

TEST(CudaStepEngine, FollowsTheProcessorsLossesByALibrary) {
  on_each_device([](Device& device) {
    device.use_products(ProductMode::library_fp32);
    expect_near_losses(device);
  });
}

// Rounding moves a token whose experts are nearly equal to another one, a few of a thousand pairs
// at first; the losses of single batches then differ by chance, and nothing makes them drift apart.
TEST(CudaStepEngine, FollowsTheProcessorsLossesInMixedPrecision) {
  MoeGptConfig model = small_trained_model();
  model.router.capacity_factor.reset();
  on_each_device([&](Device& device) {
    device.use_products(ProductMode::bf16);
    const int steps = steps_to_follow(device);
    TrainingConfig training = small_training(steps);
    training.learning_rate = 1e-3;
    training.batch_size = steps <= 4 ? 4 : 16;
    const std::vector<std::uint8_t> text = words_text(600);
    Trainer processor(model, training, text, 2);
    Trainer on_device(model, training, text, {1, &device});
    for (int i = 0; i < steps; ++i) {
      const double expected = processor.step().record.loss;
      ASSERT_NEAR(on_device.step().record.loss, expected, 1e-2) << "step " << i + 1;
    }
  });
}

// Dense, shared and uneven experts with biases, micro-batches, and a router that the processor
// computes.
TEST(CudaStepEngine, TrainsEveryLayerTwiceToTheSameBytesInMixedPrecision) {
  MoeGptConfig model = small_trained_model();
  model.first_k_dense_replace = 1;
  model.intermediate_size = 20;
  model.n_shared_experts = 1;
  model.expert_intermediate_sizes = {3, 8, 8, 8, 1, 8, 8, 8};
  model.mlp_bias = true;
  model.router.type = RouterType::noisy_top_k;
  TrainingConfig training = small_training(2);
  training.learning_rate = 1e-3;
  training.micro_batches = 2;
  const std::vector<std::uint8_t> text = words_text(600);
  on_each_device([&](Device& device) {
    device.use_products(ProductMode::bf16);
    Trainer processor(model, training, text, 2);
    Trainer first(model, training, text, {1, &device});
    Trainer second(model, training, text, {1, &device});
    for (int i = 0; i < training.steps; ++i) {
      const StepReport report = first.step();
      EXPECT_NEAR(report.record.loss, processor.step().record.loss, 1e-2) << "step " << i + 1;
      EXPECT_EQ(second.step().record, report.record) << "step " << i + 1;
    }
    expect_same_state(first.state(), second.state());
  });
}

TEST(CudaStepEngine, RefusesWhatTheKernelsCannotTake) {
  MoeGptConfig model = small_trained_model();
  check_limits(model, ProductMode::in_order);
  model.seq_length = 4096;
  EXPECT_THROW(check_limits(model, ProductMode::in_order), base::Error);
  model = small_trained_model();
  model.hidden_size = 12;
  check_limits(model, ProductMode::in_order);
  EXPECT_THROW(check_limits(model, ProductMode::bf16), base::Error);
  model = small_trained_model();
  model.router.num_experts = 4096;
  EXPECT_THROW(check_limits(model, ProductMode::in_order), base::Error);
}

}  // namespace
}  // namespace moesim::model::cuda
