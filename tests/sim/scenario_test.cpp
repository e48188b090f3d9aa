// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/example_cluster.h"
#include "tests/support/example_model.h"

namespace moesim::sim {
namespace {

// Two nodes of four accelerators, eight experts.
Scenario example_scenario() {
  Scenario scenario;
  scenario.model = testing::example_model();
  scenario.training.seq_length = 128;
  scenario.cluster = testing::example_config(topologies::Topology::single_switch, 2, 4);
  return scenario;
}

// where and hint of the complaint.
std::pair<std::string, std::string> complaint(const Scenario& scenario) {
  try {
    validate(scenario);
  } catch (const base::Error& error) {
    return {error.where(), error.hint()};
  }
  return {"no complaint", ""};
}

TEST(Scenario, DerivesItsSizes) {
  Scenario scenario = example_scenario();
  scenario.training.micro_batch_size = 2;
  scenario.training.global_batch_size = 48;
  scenario.parallel.expert_model_parallel_size = 4;
  const Sizes sizes = validate(scenario);
  EXPECT_EQ(sizes.num_ranks, 8);
  EXPECT_EQ(sizes.expert_parallel, 4);
  EXPECT_EQ(sizes.num_groups, 2);
  EXPECT_EQ(sizes.num_micro_batches, 3);  // 48 / (8 ranks x 2)
  EXPECT_EQ(sizes.tokens_per_rank, 256);
}

TEST(Scenario, DefaultsToTheLargestGroupThatLeavesEveryRankAnExpert) {
  Scenario scenario = example_scenario();
  EXPECT_EQ(validate(scenario).expert_parallel, 8);
  scenario.model.num_experts = 6;
  EXPECT_EQ(validate(scenario).expert_parallel, 4) << "8 ranks divide into 1, 2, 4, 8";
  EXPECT_EQ(validate(scenario).num_micro_batches, 1);
}

using Complaint = std::pair<std::string, std::string>;

TEST(Scenario, NamesTheNearestGroupsThatDivideTheCluster) {
  Scenario scenario = example_scenario();
  scenario.parallel.expert_model_parallel_size = 3;
  EXPECT_EQ(complaint(scenario), Complaint("/parallel/expert_model_parallel_size", "use 2 or 4"));
  scenario.parallel.expert_model_parallel_size = 16;
  EXPECT_EQ(complaint(scenario), Complaint("/parallel/expert_model_parallel_size", "use 8"));
}

TEST(Scenario, RefusesMoreRanksInAGroupThanExperts) {
  Scenario scenario = example_scenario();
  scenario.model.num_experts = 6;
  scenario.parallel.expert_model_parallel_size = 8;
  EXPECT_EQ(complaint(scenario),
            Complaint("/parallel/expert_model_parallel_size", "use at most 6"));
}

TEST(Scenario, NamesTheNextBatchThatDivides) {
  Scenario scenario = example_scenario();
  scenario.training.global_batch_size = 12;
  EXPECT_EQ(complaint(scenario), Complaint("/training/global_batch_size", "use 16"));
}

// 8 ranks x 2^21 tokens x top-2 = 2^25 pairs in the group fit; 2^22 x 64 sequences do not.
TEST(Scenario, RefusesMorePairsThanAPlanCounts) {
  Scenario scenario = example_scenario();
  scenario.training.seq_length = 1 << 21;
  EXPECT_EQ(complaint(scenario).first, "no complaint");
  scenario.training.seq_length = 1 << 22;
  scenario.training.micro_batch_size = 64;
  EXPECT_EQ(complaint(scenario).first, "/training/micro_batch_size");
}

// 8 ranks x 2 layers x 8 operations = 128 a micro-batch; a million micro-batches are 1.28e8.
TEST(Scenario, RefusesStepsOfMoreOperationsThanMemoryHolds) {
  Scenario scenario = example_scenario();
  scenario.training.global_batch_size = 8 * 500000;
  EXPECT_EQ(complaint(scenario).first, "no complaint");
  scenario.training.global_batch_size = 8 * 1000000;
  EXPECT_EQ(complaint(scenario).first, "/training/global_batch_size");
}

TEST(Scenario, RefusesFabricsAndProxiesBeforeTheyAreBuilt) {
  Scenario scenario = example_scenario();
  scenario.routing.proxy.num_attention_heads = 3;
  EXPECT_EQ(complaint(scenario).first, "/routing/proxy/num_attention_heads");
  scenario.routing.proxy.num_attention_heads = 2;
  scenario.cluster.topology = topologies::Topology::rail_optimized_fat_tree;
  scenario.cluster.fabric.oversubscription = 5;
  EXPECT_EQ(complaint(scenario).first, "/cluster/fabric/oversubscription") << "4 nodes a leaf";
}

TEST(Scenario, RefusesAHotRankOutsideItsGroup) {
  Scenario scenario = example_scenario();
  scenario.routing.source = RoutingSourceKind::synthetic;
  scenario.routing.synthetic.hot_rank = 8;
  EXPECT_EQ(complaint(scenario).first, "no complaint") << "uniform routing has no hot rank";
  scenario.routing.synthetic.distribution = Distribution::w2_hot_rank;
  EXPECT_EQ(complaint(scenario), Complaint("/routing/synthetic/hot_rank", "use 0 to 7"));
}

TEST(Scenario, RefusesATraceSourceWithoutAFile) {
  Scenario scenario = example_scenario();
  scenario.routing.source = RoutingSourceKind::trace;
  EXPECT_EQ(complaint(scenario).first, "/routing/trace");
}

TEST(Scenario, RefusesSettingsOfAGateWhereThereIsNone) {
  Scenario scenario = example_scenario();
  scenario.routing.source = RoutingSourceKind::synthetic;
  scenario.router.gate.capacity_factor = 1.0;
  EXPECT_EQ(complaint(scenario).first, "no complaint") << "capacity needs no gate";
  scenario.router.gate.balance.z_loss_coef = 1e-3;
  EXPECT_EQ(complaint(scenario).first, "/router/z_loss_coef");
  scenario.router.gate.balance.z_loss_coef = 0;
  scenario.router.gate.overflow = model::OverflowPolicy::next_best;
  EXPECT_EQ(complaint(scenario).first, "/router/overflow");
  scenario.routing.source = RoutingSourceKind::numerics;
  EXPECT_EQ(complaint(scenario).first, "no complaint");
}

TEST(Scenario, ChecksTheRouterAgainstTheModelsSizes) {
  Scenario scenario = example_scenario();
  scenario.router.gate.type = model::RouterType::group_limited;
  scenario.router.gate.n_group = 3;
  EXPECT_EQ(complaint(scenario).first, "/router/n_group") << "8 experts in 3 groups";
  scenario.router.gate.n_group = 4;
  scenario.router.gate.topk_group = 2;
  EXPECT_EQ(complaint(scenario).first, "no complaint");
}

TEST(Scenario, RefusesToRecordDecisionsThatDependOnDrops) {
  Scenario scenario = example_scenario();
  scenario.router.gate.capacity_factor = 1.0;
  EXPECT_NO_THROW(require_recordable_routing(scenario));
  scenario.router.gate.overflow = model::OverflowPolicy::next_best;
  EXPECT_THROW(require_recordable_routing(scenario), base::Error);
  scenario.router.gate.overflow = model::OverflowPolicy::drop;
  scenario.router.gate.type = model::RouterType::expert_choice;
  EXPECT_THROW(require_recordable_routing(scenario), base::Error);
}

}  // namespace
}  // namespace moesim::sim
