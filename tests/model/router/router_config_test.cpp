// SPDX-License-Identifier: Apache-2.0
#include "model/router/router_config.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/base/thrown_error.h"

namespace moesim::model {
namespace {

RouterConfig read(const std::string& text) {
  RouterConfig router;
  base::ReadReport report;
  base::read_json(base::parse_json(text, "router.json"), router, report, "/router");
  return router;
}

TEST(RouterConfig, IsReadUnderTheNamesThatUsersKnow) {
  const RouterConfig router = read(R"({"n_routed_experts": 64, "moe_router_topk": 6,
      "type": "group_limited", "n_group": 8, "topk_group": 3, "score_function": "sigmoid",
      "moe_router_topk_scaling_factor": 2.5, "capacity_factor": 1.25, "min_capacity": 4,
      "moe_token_drop_policy": "position", "overflow": "next_best",
      "renormalise_after_drop": true,
      "router_aux_loss_coef": 0, "bias_update_rate": 1e-3,
                  "moe_z_loss_coeff": 1e-4})");
  RouterConfig expected;
  expected.num_experts = 64;
  expected.top_k = 6;
  expected.type = RouterType::group_limited;
  expected.n_group = 8;
  expected.topk_group = 3;
  expected.score_function = ScoreFunction::sigmoid;
  expected.routed_scaling_factor = 2.5;
  expected.capacity_factor = 1.25;
  expected.min_capacity = 4;
  expected.token_drop_policy = TokenDropPolicy::position;
  expected.overflow = OverflowPolicy::next_best;
  expected.renormalise_after_drop = true;
  expected.balance.aux_loss_coef = 0;
  expected.balance.bias_update_rate = 1e-3;
  expected.balance.z_loss_coef = 1e-4;
  EXPECT_EQ(router, expected);
  EXPECT_EQ(read(base::write_json(router)), router);
}

TEST(RouterConfig, DefaultsReadBackForEveryType) {
  for (const auto& [type, name] : names_of(RouterType{})) {
    const RouterConfig router = read("{\"type\": \"" + name + "\"}");
    EXPECT_EQ(router.type, type);
    EXPECT_EQ(read(base::write_json(router)), router) << name;
    validate(router, "/router");
  }
}

// A key that changes nothing under the chosen type is an error, not a silent default.
TEST(RouterConfig, KeysWithoutEffectAreErrors) {
  const std::vector<std::string> inert{
      R"({"n_group": 2})",
      R"({"noise_std": 1})",
      R"({"type": "noisy_top_k", "noise_std": 1})",
      R"({"type": "hash", "score_function": "sigmoid"})",
      R"({"type": "random", "z_loss_coef": 1})",
      R"({"type": "hash", "input_jitter": 0.1})",
      R"({"sinkhorn_iterations": 4})",
      R"({"overflow": "next_best"})",
      R"({"min_capacity": 4})",
      R"({"capacity_ranks": 2})",
      R"({"type": "expert_choice", "capacity_factor": 2, "token_drop_policy": "probs"})",
      R"({"type": "expert_choice", "rank_capacity_factor": 2})"};
  for (const std::string& text : inert) EXPECT_THROW(read(text), base::Error) << text;
  EXPECT_EQ(read(R"({"type": "noisy_top_k", "noise_scale": "fixed", "noise_std": 2})").noise_std,
            2);
}

struct Contradiction {
  std::string where;
  std::function<void(RouterConfig&)> make;
};

TEST(RouterConfig, ContradictionsNameTheirPlaceAndAWayOut) {
  using C = RouterConfig;
  const std::vector<Contradiction> cases{
      {"num_experts", [](C& c) { c.num_experts = 0; }},
      {"num_experts_per_tok", [](C& c) { c.top_k = 9; }},
      {"num_experts_per_tok", [](C& c) { c.top_k = 0; }},
      {"n_group", [](C& c) { c.type = RouterType::group_limited, c.n_group = 3; }},
      {"topk_group", [](C& c) { c.type = RouterType::two_level, c.n_group = 2, c.topk_group = 3; }},
      // One group of two experts cannot give three.
      {"topk_group", [](C& c) { c.type = RouterType::group_limited, c.n_group = 4, c.top_k = 3; }},
      {"score_function",
       [](C& c) { c.type = RouterType::two_level, c.score_function = ScoreFunction::sigmoid; }},
      {"routed_scaling_factor", [](C& c) { c.routed_scaling_factor = 0; }},
      {"input_jitter", [](C& c) { c.input_jitter = 1; }},
      {"noise_std", [](C& c) { c.type = RouterType::noisy_top_k, c.noise_std = 0; }},
      {"sinkhorn_iterations", [](C& c) { c.sinkhorn_iterations = 0; }},
      {"capacity_factor", [](C& c) { c.capacity_factor = 0; }},
      {"min_capacity", [](C& c) { c.min_capacity = 0; }},
      {"rank_capacity_factor", [](C& c) { c.rank_capacity_factor = -1; }},
      {"rank_capacity_factor",
       [](C& c) { c.type = RouterType::expert_choice, c.rank_capacity_factor = 1; }},
      {"capacity_ranks", [](C& c) { c.rank_capacity_factor = 1, c.capacity_ranks = 9; }},
      {"overflow",
       [](C& c) { c.type = RouterType::random, c.overflow = OverflowPolicy::next_best; }},
      {"overflow",
       [](C& c) { c.type = RouterType::expert_choice, c.overflow = OverflowPolicy::next_best; }},
      {"load_loss_coef", [](C& c) { c.balance.load_loss_coef = 1; }},
      {"bias_update_rate",
       [](C& c) { c.type = RouterType::sinkhorn, c.balance.bias_update_rate = 1; }},
  };
  for (const Contradiction& contradiction : cases) {
    RouterConfig router;
    contradiction.make(router);
    const base::Error error = base::thrown_error([&] { validate(router, "/model/router"); });
    EXPECT_EQ(error.where(), "/model/router/" + contradiction.where);
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

TEST(RouterConfig, ACapacityDropsUnlessExpertsChoose) {
  RouterConfig router;
  EXPECT_FALSE(can_drop(router));
  router.rank_capacity_factor = 1;
  EXPECT_TRUE(can_drop(router));
  router.rank_capacity_factor.reset();
  router.capacity_factor = 1;
  EXPECT_TRUE(can_drop(router));
  router.type = RouterType::expert_choice;
  EXPECT_FALSE(can_drop(router));
}

TEST(RouterConfig, PoliciesHaveNames) {
  EXPECT_EQ(names_of(TokenDropPolicy{})[0].second, "probs");
  EXPECT_EQ(names_of(TokenDropPolicy{})[1].second, "position");
  EXPECT_EQ(names_of(RouterType{}).size(), 8U);
}

}  // namespace
}  // namespace moesim::model
