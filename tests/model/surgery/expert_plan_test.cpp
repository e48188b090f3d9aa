// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/expert_plan.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/error.h"

namespace moesim::model {
namespace {

// Three layers, the first dense; four experts, top-2.
MoeGptConfig four_experts() {
  MoeGptConfig config;
  config.num_hidden_layers = 3;
  config.first_k_dense_replace = 1;
  config.router.num_experts = 4;
  return config;
}

std::vector<int> sources(const std::vector<NewExpert>& layer) {
  std::vector<int> list;
  for (const NewExpert& expert : layer) list.push_back(expert.source);
  return list;
}

TEST(ExpertPlan, AddsAtTheEndOfEveryLayer) {
  const NewExpert copy{.source = 2, .noise = 0.1};
  const std::vector<NewExpert> added{copy, {}};
  const ExpertPlan plan = plan_to_add(four_experts(), added);
  ASSERT_EQ(plan.size(), 2U);
  for (const auto& layer : plan) {
    EXPECT_EQ(sources(layer), (std::vector<int>{0, 1, 2, 3, 2, -1}));
    EXPECT_EQ(layer[4], copy);
  }
  EXPECT_EQ(changed_config(four_experts(), plan).router.num_experts, 6);
}

TEST(ExpertPlan, RemovesFromEveryLayer) {
  const std::vector<int> removed{1};
  const ExpertPlan plan = plan_to_remove(four_experts(), removed);
  for (const auto& layer : plan) EXPECT_EQ(sources(layer), (std::vector<int>{0, 2, 3}));
}

// Layer 1: 5 and 9 are the largest. Layer 2: 7, then of the two 3s the lower expert.
TEST(ExpertPlan, PrunesToTheMostUsedOfEachLayer) {
  const std::vector<std::vector<std::int64_t>> usage{{5, 0, 9, 1}, {3, 3, 1, 7}};
  const ExpertPlan plan = plan_to_prune(four_experts(), usage, 2);
  EXPECT_EQ(sources(plan[0]), (std::vector<int>{0, 2}));
  EXPECT_EQ(sources(plan[1]), (std::vector<int>{0, 3}));
}

// Together 8, 3, 10, 8: experts 2 and, of the two 8s, 0.
TEST(ExpertPlan, PrunesAllLayersAlikeWhereSizesDiffer) {
  MoeGptConfig config = four_experts();
  config.expert_intermediate_sizes = {10, 20, 30, 40};
  const std::vector<std::vector<std::int64_t>> usage{{5, 0, 9, 1}, {3, 3, 1, 7}};
  const ExpertPlan plan = plan_to_prune(config, usage, 2);
  EXPECT_EQ(sources(plan[0]), (std::vector<int>{0, 2}));
  EXPECT_EQ(sources(plan[1]), (std::vector<int>{0, 2}));
  EXPECT_EQ(changed_config(config, plan).expert_intermediate_sizes, (std::vector<int>{10, 30}));
}

// Groups {0, 1} and {2, 3}: one of each stays.
TEST(ExpertPlan, PrunesWithinTheRoutersGroups) {
  MoeGptConfig config = four_experts();
  config.router.type = RouterType::group_limited;
  config.router.n_group = 2;
  config.router.topk_group = 2;
  const std::vector<std::vector<std::int64_t>> usage{{5, 4, 3, 2}, {1, 2, 3, 4}};
  const ExpertPlan plan = plan_to_prune(config, usage, 2);
  EXPECT_EQ(sources(plan[0]), (std::vector<int>{0, 2}));
  EXPECT_EQ(sources(plan[1]), (std::vector<int>{1, 3}));
  EXPECT_EQ(changed_config(config, plan).router.num_experts, 2);
}

TEST(ExpertPlan, SizesAreNamedOnlyWhereTheyDiffer) {
  MoeGptConfig config = four_experts();
  config.moe_intermediate_size = 16;
  config.expert_intermediate_sizes = {16, 16, 8, 16};
  const std::vector<int> removed{2};
  const MoeGptConfig alike = changed_config(config, plan_to_remove(config, removed));
  EXPECT_TRUE(alike.expert_intermediate_sizes.empty());
  const std::vector<NewExpert> fresh{{}};
  const MoeGptConfig grown = changed_config(config, plan_to_add(config, fresh));
  EXPECT_EQ(grown.expert_intermediate_sizes, (std::vector<int>{16, 16, 8, 16, 16}));
}

void expect_error(const std::function<void()>& act, const std::string& where) {
  try {
    act();
    FAIL() << "no error about " << where;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), where) << error.message();
    EXPECT_NE(error.hint(), "");
  }
}

TEST(ExpertPlan, WhatCannotBeIsTheUsersError) {
  const MoeGptConfig config = four_experts();
  const std::vector<int> unknown{4};
  expect_error([&] { plan_to_remove(config, unknown); }, "experts");
  const std::vector<NewExpert> of_nobody{{.source = 7}};
  expect_error([&] { changed_config(config, plan_to_add(config, of_nobody)); }, "experts");
  const std::vector<int> all_but_one{0, 1, 2};
  expect_error([&] { changed_config(config, plan_to_remove(config, all_but_one)); },
               "/router/num_experts_per_tok");
  const std::vector<std::vector<std::int64_t>> usage{{5, 0, 9, 1}, {3, 3, 1, 7}};
  expect_error([&] { plan_to_prune(config, usage, 5); }, "experts");
  ExpertPlan uneven = plan_to_keep(config);
  uneven[1].pop_back();
  expect_error([&] { changed_config(config, uneven); }, "experts");
  MoeGptConfig dense = config;
  dense.use_moe = false;
  expect_error([&] { changed_config(dense, plan_to_keep(dense)); }, "experts");
  MoeGptConfig grouped = config;
  grouped.router.type = RouterType::group_limited;
  grouped.router.n_group = 2;
  grouped.router.topk_group = 2;
  const std::vector<NewExpert> two{{.source = 0}, {.source = 1}};
  expect_error([&] { changed_config(grouped, plan_to_add(grouped, two)); }, "experts");
}

}  // namespace
}  // namespace moesim::model
