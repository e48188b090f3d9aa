// SPDX-License-Identifier: Apache-2.0
#include "model/proxy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "tests/support/words_text.h"

namespace moesim::model {
namespace {

using testing::words_text;

ProxyConfig small_config() {
  ProxyConfig config;
  config.num_moe_layers = 2;
  config.router.num_experts = 8;
  config.router.top_k = 2;
  config.hidden_size = 16;
  config.moe_intermediate_size = 8;
  config.seq_length = 32;
  config.batch_size = 4;
  config.train_steps = 30;
  config.seed = 3;
  return config;
}

TEST(Proxy, RoutesEveryTokenInEveryLayer) {
  const Proxy proxy(small_config(), words_text(400), {});
  const std::vector<RoutingBatch> batches = proxy.route(0, 0, 75);
  ASSERT_EQ(batches.size(), 2U);
  for (const RoutingBatch& batch : batches) {
    EXPECT_EQ(batch.tokens, 75);
    EXPECT_EQ(batch.top_k, 2);
    EXPECT_EQ(batch.num_experts, 8);
    ASSERT_EQ(batch.experts.size(), 150U);
    ASSERT_EQ(batch.weights.size(), 150U);
    for (int token = 0; token < 75; ++token) {
      const auto [first, second] =
          std::pair(batch.experts[2 * token], batch.experts[2 * token + 1]);
      EXPECT_NE(first, second);
      EXPECT_TRUE(std::min(first, second) >= 0 && std::max(first, second) < 8);
      EXPECT_NEAR(batch.weights[2 * token] + batch.weights[2 * token + 1], 1, 1e-5);
    }
  }
}

TEST(Proxy, RoutesASlicePerRankAndMicroBatch) {
  const Proxy proxy(small_config(), words_text(400), {});
  EXPECT_EQ(proxy.route(1, 2, 64), proxy.route(1, 2, 64));
  EXPECT_NE(proxy.route(1, 2, 64), proxy.route(1, 3, 64));
  EXPECT_NE(proxy.route(1, 2, 64), proxy.route(2, 2, 64));
  EXPECT_NE(proxy.route(1, 2, 64), proxy.route(2, 1, 64));
}

TEST(Proxy, TheSeedDecidesEverything) {
  ProxyConfig config = small_config();
  const Proxy proxy(config, words_text(400), {});
  const Proxy same(config, words_text(400), {});
  config.seed = 4;
  const Proxy other(config, words_text(400), {});
  EXPECT_EQ(proxy.report().train_loss, same.report().train_loss);
  EXPECT_EQ(proxy.route(0, 0, 64), same.route(0, 0, 64));
  EXPECT_NE(proxy.route(0, 0, 64), other.route(0, 0, 64));
}

TEST(Proxy, TheNumberOfThreadsChangesNothing) {
  ProxyConfig config = small_config();
  const Proxy alone(config, words_text(400), {});
  for (const int threads : {2, 3}) {
    config.num_threads = threads;
    const Proxy together(config, words_text(400), {});
    EXPECT_EQ(alone.report().train_loss, together.report().train_loss);
    EXPECT_EQ(alone.report().validation_loss, together.report().validation_loss);
    EXPECT_EQ(alone.route(0, 1, 100), together.route(0, 1, 100));
  }
}

// More tokens than the text has bytes: the slice goes round.
TEST(Proxy, ALongSliceWrapsAroundTheText) {
  const Proxy proxy(small_config(), words_text(60), {});
  const std::vector<RoutingBatch> batches = proxy.route(0, 0, 5000);
  EXPECT_EQ(batches.front().tokens, 5000);
}

// Largest load over mean load of the experts, averaged over the layers.
double imbalance(const Proxy& proxy) {
  double sum = 0;
  const std::vector<RoutingBatch> batches = proxy.route(0, 0, 1024);
  for (const RoutingBatch& batch : batches) {
    std::vector<double> load(batch.num_experts);
    for (const std::int32_t expert : batch.experts) load[expert] += 1;
    const double mean = static_cast<double>(batch.experts.size()) / batch.num_experts;
    sum += *std::max_element(load.begin(), load.end()) / mean;
  }
  return sum / static_cast<double>(batches.size());
}

TEST(Proxy, TheBalancingLossEvensOutTheGatesPreferences) {
  ProxyConfig config = small_config();
  config.train_steps = 60;
  config.router.balance.aux_loss_coef = 0;
  const double free_choice = imbalance(Proxy(config, words_text(400), {}));
  config.router.balance.aux_loss_coef = 0.1;
  const double balanced = imbalance(Proxy(config, words_text(400), {}));
  EXPECT_GT(free_choice, 1.5);
  EXPECT_LT(balanced, 0.85 * free_choice);
}

// Drops in the first layer change what the second layer's gate sees. 256 tokens, top-2, 8 experts:
// ceil(0.25 x 256 x 2 / 8) = 16 slots for each expert.
TEST(Proxy, DroppedPairsChangeLaterLayersOnly) {
  ProxyConfig config = small_config();
  config.train_steps = 0;
  const auto free = Proxy(config, words_text(400), {}).route(0, 0, 256);
  config.router.capacity_factor = 0.25;
  const auto capped = Proxy(config, words_text(400), {}).route(0, 0, 256);
  EXPECT_EQ(free[0].experts, capped[0].experts);
  EXPECT_NE(free[1].experts, capped[1].experts);
  EXPECT_TRUE(free[0].kept.empty());
  for (const RoutingBatch& batch : capped) {
    std::vector<int> kept(8);
    ASSERT_EQ(batch.kept.size(), batch.experts.size());
    for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
      kept[batch.experts[pair]] += batch.kept[pair];
    }
    EXPECT_EQ(*std::max_element(kept.begin(), kept.end()), 16);
  }
}

// As the simulator's plans do.
TEST(Proxy, SeveralThreadsMayRouteAtOnce) {
  ProxyConfig config = small_config();
  for (const RouterType type : {RouterType::top_k, RouterType::random}) {
    config.router.type = type;
    const Proxy proxy(config, words_text(400), {});
    std::vector<std::vector<RoutingBatch>> together(12);
    base::parallel_for(12, 4, [&](int rank) { together[rank] = proxy.route(0, rank, 64); });
    for (int rank = 0; rank < 12; ++rank) EXPECT_EQ(together[rank], proxy.route(0, rank, 64));
    EXPECT_NE(together[0][0].experts, together[1][0].experts);
  }
}

TEST(Proxy, TakesAnyRouter) {
  for (const auto& [type, name] : names_of(RouterType{})) {
    ProxyConfig config = small_config();
    config.train_steps = 3;
    config.router.type = type;
    config.router.n_group = 4;
    config.router.topk_group = 2;
    const auto batches = Proxy(config, words_text(400), {}).route(0, 0, 64);
    ASSERT_EQ(batches.size(), 2U) << name;
    EXPECT_EQ(batches[1].tokens, 64) << name;
  }
}

void expect_error(const ProxyConfig& config, const std::string& where) {
  try {
    const Proxy proxy(config, words_text(400), {});
    FAIL() << "no error about " << where;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), where);
  }
}

TEST(Proxy, WrongSizesAreTheUsersErrors) {
  ProxyConfig config = small_config();
  config.router.top_k = 9;
  expect_error(config, "router/num_experts_per_tok");
  config = small_config();
  config.num_attention_heads = 3;
  expect_error(config, "num_attention_heads");
  config = small_config();
  config.num_moe_layers = 0;
  expect_error(config, "num_moe_layers");
  config = small_config();
  config.router.num_experts = 0;
  expect_error(config, "router/num_experts");
  config = small_config();
  config.seq_length = 100000;
  expect_error(config, "text");
  config = small_config();
  config.router.capacity_factor = -1;
  expect_error(config, "router/capacity_factor");
  config = small_config();
  config.train_steps = -1;
  expect_error(config, "train_steps");
}

}  // namespace
}  // namespace moesim::model
