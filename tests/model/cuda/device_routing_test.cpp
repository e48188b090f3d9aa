// SPDX-License-Identifier: Apache-2.0
// The processor's router is the reference: choice, weights, drops and order bit for bit.
#include "model/cuda/device_routing.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "model/layers/moe_layer.h"
#include "tests/model/router/router_fixture.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::on_each_device;

struct RoutingCase {
  std::string name;
  RouterConfig config;
};

RouterConfig sized(int experts, int top_k) {
  RouterConfig config;
  config.num_experts = experts;
  config.top_k = top_k;
  return config;
}

RouterConfig grouped(int experts, int top_k, int n_group, int topk_group) {
  RouterConfig config = sized(experts, top_k);
  config.type = RouterType::group_limited;
  config.n_group = n_group;
  config.topk_group = topk_group;
  return config;
}

// Scores, weights, groups and the bias of loss-free balancing.
std::vector<RoutingCase> choice_cases() {
  std::vector<RoutingCase> cases = {{"softmax", sized(8, 2)},
                                    {"one expert", sized(1, 1)},
                                    {"all of 33", sized(33, 33)},
                                    {"groups", grouped(64, 6, 8, 3)}};
  for (const RoutingWeights weights :
       {RoutingWeights::renormalised, RoutingWeights::softmax_selected, RoutingWeights::as_is}) {
    for (const ScoreFunction score : {ScoreFunction::softmax, ScoreFunction::sigmoid}) {
      RouterConfig config = grouped(48, 5, 4, 2);
      config.weights = weights;
      config.score_function = score;
      config.routed_scaling_factor = 2.5;
      cases.push_back({"groups, other weights", config});
      config.type = RouterType::top_k;
      config.n_group = config.topk_group = 1;
      config.balance.bias_update_rate = 1e-3;
      cases.push_back({"selection bias", config});
    }
  }
  return cases;
}

// Capacities of experts, of ranks, and of both, by weight and by position.
std::vector<RoutingCase> capacity_cases() {
  std::vector<RoutingCase> cases;
  for (const TokenDropPolicy policy : {TokenDropPolicy::probs, TokenDropPolicy::position}) {
    for (const bool renormalise : {false, true}) {
      RouterConfig config = sized(10, 3);
      config.token_drop_policy = policy;
      config.renormalise_after_drop = renormalise;
      config.capacity_factor = 0.6;
      cases.push_back({"capacity", config});
      config.capacity_ranks = 4;  // of 3, 3, 2 and 2 experts
      config.rank_capacity_factor = 0.5;
      cases.push_back({"capacity and rank capacity", config});
      config.capacity_factor.reset();
      cases.push_back({"rank capacity", config});
    }
  }
  RouterConfig roomy = sized(6, 2);
  roomy.capacity_factor = 100;
  cases.push_back({"room for all", roomy});
  RouterConfig least = sized(64, 1);
  least.capacity_factor = 1;
  least.min_capacity = 4;
  cases.push_back({"min_capacity", least});
  return cases;
}

// Room for all pairs, but not where they choose to go: many find another expert, some none.
std::vector<RoutingCase> next_best_cases() {
  std::vector<RoutingCase> cases;
  for (const TokenDropPolicy policy : {TokenDropPolicy::probs, TokenDropPolicy::position}) {
    RouterConfig config = sized(10, 3);
    config.overflow = OverflowPolicy::next_best;
    config.token_drop_policy = policy;
    config.capacity_factor = 1;
    cases.push_back({"next best", config});
    config.capacity_ranks = 4;
    config.rank_capacity_factor = 1.05;
    cases.push_back({"next best with rank capacity", config});
    config.capacity_factor.reset();
    config.renormalise_after_drop = true;
    config.rank_capacity_factor = 0.9;
    cases.push_back({"next best with rank capacity alone", config});
  }
  return cases;
}

void expect_same_routing(Device& device, RouterFixture<float>& processor,
                         const Matrix<float>& logits, DeviceRouting& routing) {
  const RouterConfig& config = processor.config;
  const auto tokens = static_cast<int>(logits.rows());
  const RouterCache<float> expected = processor.routed_logits(logits);
  routing.logits.upload(device, logits.data(), static_cast<std::size_t>(logits.size()));
  Buffer<float> bias;
  const Matrix<float>& selection_bias = processor.weights.selection_bias;
  if (selection_bias.size() > 0) {
    bias.upload(device, selection_bias.data(), static_cast<std::size_t>(selection_bias.size()));
  }
  route_on_device(device, config, tokens, bias.data(), routing);
  const RoutingBatch batch = download_batch(config, routing);
  EXPECT_EQ(batch.experts, expected.batch.experts);
  EXPECT_EQ(batch.kept, expected.batch.kept);
  EXPECT_EQ(batch.weights, expected.batch.weights);
  Matrix<float> scores(tokens, config.num_experts);
  routing.scores.download(scores.data());
  EXPECT_EQ(scores, expected.scores);
  Matrix<float> weights(tokens, config.top_k);
  routing.weights.download(weights.data());
  EXPECT_EQ(weights, expected.weights);
  EXPECT_EQ(routing.order.place.download(), model::order_by_expert(expected.batch).place);
}

void expect_same_for(const std::vector<RoutingCase>& cases, std::initializer_list<int> sizes) {
  on_each_device([&](Device& device) {
    DeviceRouting routing;
    for (const RoutingCase& one : cases) {
      for (const int tokens : sizes) {
        SCOPED_TRACE(one.name + ", " + std::to_string(tokens) + " tokens");
        base::Rng rng(9, one.name);
        RouterFixture<float> processor;
        processor.config = one.config;
        processor.randomise(tokens, 4, rng);
        Matrix<float> logits = random_matrix<float>(tokens, one.config.num_experts, rng);
        // Logits that are equal: ties go to the lower expert.
        if (tokens > 3) logits.row(3).setConstant(0.25F);
        expect_same_routing(device, processor, logits, routing);
      }
    }
  });
}

TEST(DeviceRouting, ChoosesAndWeighsAsTheProcessorDoes) {
  expect_same_for(choice_cases(), {1, 3, 65});
}

TEST(DeviceRouting, DropsAsTheProcessorDoes) { expect_same_for(capacity_cases(), {1, 64, 129}); }

TEST(DeviceRouting, SendsPairsToTheNextBestExpert) {
  expect_same_for(next_best_cases(), {1, 64, 129});
}

// Everything goes to expert 2, and the drops are ties by weight: the earlier tokens stay.
TEST(DeviceRouting, DropsTiesByLaterToken) {
  on_each_device([](Device& device) {
    RouterFixture<float> processor;
    processor.config = sized(4, 1);
    processor.config.capacity_factor = 1;
    Matrix<float> logits = Matrix<float>::Zero(40, 4);
    logits.col(2).setConstant(1);
    DeviceRouting routing;
    expect_same_routing(device, processor, logits, routing);
    const RoutingBatch batch = download_batch(processor.config, routing);
    for (std::size_t pair = 0; pair < 40; ++pair) EXPECT_EQ(batch.kept[pair], pair < 10 ? 1 : 0);
  });
}

// Diverged training: a logit that is not a number is chosen last and breaks no order.
TEST(DeviceRouting, ChoosesLogitsThatAreNoNumbersLast) {
  on_each_device([](Device& device) {
    RouterConfig config = sized(4, 4);
    Matrix<float> logits = Matrix<float>::Zero(2, 4);
    logits(0, 1) = std::numeric_limits<float>::quiet_NaN();
    logits(1, 0) = -std::numeric_limits<float>::infinity();
    DeviceRouting routing;
    routing.logits.upload(device, logits.data(), 8);
    route_on_device(device, config, 2, nullptr, routing);
    EXPECT_EQ(routing.experts.download(), (std::vector<std::int32_t>{0, 2, 3, 1, 1, 2, 3, 0}));
  });
}

TEST(DeviceRouting, LeavesOtherRoutersToTheProcessor) {
  EXPECT_TRUE(routes_on_device(sized(8, 2)));
  RouterConfig config = sized(8, 2);
  config.type = RouterType::sinkhorn;
  EXPECT_FALSE(routes_on_device(config));
  config = sized(8, 2);
  config.input_jitter = 0.1;
  EXPECT_FALSE(routes_on_device(config));
  EXPECT_FALSE(routes_on_device(sized(4096, 2)));
}

}  // namespace
}  // namespace moesim::model::cuda
