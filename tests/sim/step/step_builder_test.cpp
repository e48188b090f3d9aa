// SPDX-License-Identifier: Apache-2.0
#include "sim/step/step_builder.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>

#include "model/spec/parameter_count.h"
#include "tests/support/example_cluster.h"
#include "tests/support/example_model.h"

namespace moesim::sim {
namespace {

using base::Bytes;

// Two nodes of two accelerators, one expert-parallel group of four, two experts a rank. Every rank
// has 16 tokens; rank s sends 4 + s pairs to every rank.
class StepBuilderTest : public ::testing::Test {
 protected:
  static model::ModelSpec model_spec() {
    model::ModelSpec spec = testing::example_model();
    return spec;
  }

  static DispatchPlan plan() {
    DispatchPlan plan;
    plan.num_ranks = 4;
    plan.num_nodes = 2;
    plan.num_experts = 8;
    plan.tokens = {16, 16, 16, 16};
    for (int source = 0; source < 4; ++source) {
      for (int destination = 0; destination < 4; ++destination) plan.rows.push_back(4 + source);
    }
    plan.rank_copies = plan.rows;
    plan.node_copies = {8, 8, 10, 10, 12, 12, 14, 14};
    plan.expert_rows.assign(8, 11);
    plan.rank_expert_rows.assign(4, {11, 11});
    return plan;
  }

  StepGraph build(int micro_batches, WireType dispatch_type = WireType::bf16) {
    const std::vector<std::vector<std::vector<DispatchPlan>>> plans(
        micro_batches, std::vector<std::vector<DispatchPlan>>(2, {plan()}));
    return build_step({spec_, costs_, router_, groups_, placement_, plans, dispatch_type,
                       AllToAll::direct, AllReduce::hierarchical});
  }

  model::ModelSpec spec_ = model_spec();
  topologies::Cluster cluster_ =
      topologies::build_cluster(testing::example_config(topologies::Topology::single_switch, 2, 2));
  topologies::Router router_{cluster_};
  topologies::Accelerator accelerator_ = [] {
    topologies::Accelerator a;
    a.achievable_bf16 = base::FlopsPerSecond(1e14);
    a.memory_bandwidth = base::BytesPerSecond(1e12);
    a.achievable_memory_fraction = 1;
    a.roofline_exponent = 2;
    return a;
  }();
  LayerCost cost_{spec_, accelerator_, 16};
  std::vector<const LayerCost*> costs_ = std::vector<const LayerCost*>(4, &cost_);
  Placement placement_ = place_experts(ExpertPlacement::contiguous, 8, 4);
  std::vector<Group> groups_{{{0, 1, 2, 3}, {0, 1, 0, 1}, {2, {0, 0, 1, 1}}}};
};

std::map<Phase, int> count_phases(const StepGraph& graph, bool backward) {
  std::map<Phase, int> counts;
  for (const Op& op : graph.ops) {
    if (op.label.backward == backward) ++counts[op.label.phase];
  }
  return counts;
}

// Forward, a micro-batch and layer: attention and router on 4 ranks, dispatch, experts on 4,
// combine and its sum on 4. The backward pass mirrors it; then one all-reduce and four optimizers.
TEST_F(StepBuilderTest, EveryPartIsThereForwardAndBackward) {
  const StepGraph graph = build(3);
  const int layers = 3 * 2;
  const std::map<Phase, int> forward = count_phases(graph, false);
  EXPECT_EQ(forward.at(Phase::attention), layers * 4);
  EXPECT_EQ(forward.at(Phase::router), layers * 4);
  EXPECT_EQ(forward.at(Phase::dispatch), layers);
  EXPECT_EQ(forward.at(Phase::expert), layers * 4);
  EXPECT_EQ(forward.at(Phase::combine), layers * (1 + 4));
  EXPECT_EQ(forward.at(Phase::embedding), 3 * 4);
  EXPECT_EQ(forward.at(Phase::head), 3 * 4);
  EXPECT_EQ(forward.at(Phase::optimizer), 4);
  std::map<Phase, int> backward = count_phases(graph, true);
  EXPECT_EQ(backward.at(Phase::all_reduce), 1);
  backward.erase(Phase::all_reduce);
  std::map<Phase, int> mirrored = forward;
  mirrored.erase(Phase::optimizer);
  EXPECT_EQ(backward, mirrored);
}

// Forward dispatch in fp8: (4 + s) rows of 1024 + 8 * 4 bytes; everything else in bf16, 2048 bytes
// a row. Combine and the backward dispatch run from the experts, the backward combine to them.
TEST_F(StepBuilderTest, DirectionsAndFormatsOfTheFourExchanges) {
  const StepGraph graph = build(1, WireType::fp8);
  std::map<std::pair<Phase, bool>, topologies::Transfer> zero_to_one;
  for (const Op& op : graph.ops) {
    if (op.collective < 0 || op.label.layer != 0) continue;
    for (const auto& transfer : graph.collectives[op.collective].transfers) {
      if (transfer.source == 0 && transfer.destination == 1) {
        zero_to_one[{op.label.phase, op.label.backward}] = transfer;
      }
    }
  }
  // From rank 0 to rank 1: as source 0's dispatch it is 4 rows, as source 1's return 5 rows.
  EXPECT_EQ((zero_to_one[{Phase::dispatch, false}].bytes), Bytes(4 * (1024 + 32)));
  EXPECT_EQ((zero_to_one[{Phase::combine, false}].bytes), Bytes(5 * 2048));
  EXPECT_EQ((zero_to_one[{Phase::combine, true}].bytes), Bytes(4 * 2048));
  EXPECT_EQ((zero_to_one[{Phase::dispatch, true}].bytes), Bytes(5 * 2048));
}

// Every rank's operations form one chain: each waits for the one before it on that rank.
TEST_F(StepBuilderTest, EachRankWaitsForItsLastOperation) {
  const StepGraph graph = build(2);
  std::vector<int> last(4, -1);
  for (int index = 0; index < static_cast<int>(graph.ops.size()); ++index) {
    const Op& op = graph.ops[index];
    const std::vector<int> ranks =
        op.rank >= 0 ? std::vector<int>{op.rank} : graph.collectives[op.collective].ranks;
    std::set<int> expected;
    for (const int rank : ranks) {
      if (last[rank] >= 0) expected.insert(last[rank]);
      last[rank] = index;
    }
    const std::set<int> waits_for(graph.predecessors.begin() + graph.first_predecessor[index],
                                  graph.predecessors.begin() + graph.first_predecessor[index + 1]);
    EXPECT_EQ(waits_for, expected) << to_text(op.label);
  }
}

// Dense gradients in fp32 over two nodes of two ranks: in the node 2/2 of the buffer to the
// neighbour, between the nodes 2 * 1/2 of half the buffer: 1.5 buffers sent by each rank.
TEST_F(StepBuilderTest, DenseGradientsAreReducedOverAllRanks) {
  const StepGraph graph = build(1);
  const Collective& reduce = graph.collectives.back();
  double sent = 0;
  for (const auto& transfer : reduce.transfers) {
    if (transfer.source == 2) sent += transfer.bytes.value;
  }
  const double buffer = 4.0 * static_cast<double>(model::count_parameters(spec_).replicated());
  EXPECT_NEAR(sent, 1.5 * buffer, 1.0);
  EXPECT_EQ(reduce.ranks, (std::vector<int>{0, 1, 2, 3}));
}

// Two groups of two ranks (one a node): each position's experts have two copies, reduced between
// ranks 0 and 2, and 1 and 3: 4 experts of 3 * 1024 * 512 parameters in 2 layers, fp32, one ring of
// two sends one buffer.
TEST_F(StepBuilderTest, ExpertGradientsAreReducedOverTheGroupsCopies) {
  groups_ = {{{0, 1}, {0, 1}, {1, {0, 0}}}, {{2, 3}, {0, 1}, {1, {0, 0}}}};
  placement_ = place_experts(ExpertPlacement::contiguous, 8, 2);
  DispatchPlan half = plan();
  half.num_ranks = 2;
  half.num_nodes = 1;
  half.tokens = {16, 16};
  half.rows = {4, 4, 5, 5};
  half.rank_copies = half.rows;
  half.node_copies = {8, 10};
  half.rank_expert_rows.assign(2, {11, 11, 11, 11});
  const std::vector<std::vector<std::vector<DispatchPlan>>> plans(
      1, std::vector<std::vector<DispatchPlan>>(2, {half, half}));
  const StepGraph graph = build_step({spec_, costs_, router_, groups_, placement_, plans,
                                      WireType::bf16, AllToAll::direct, AllReduce::hierarchical});
  const Collective& last = graph.collectives.back();
  EXPECT_EQ(last.ranks, (std::vector<int>{1, 3}));
  ASSERT_EQ(last.transfers.size(), 2U);
  EXPECT_EQ(last.transfers[0].bytes, Bytes(4.0 * 4 * 3 * 1024 * 512 * 2));
}

}  // namespace
}  // namespace moesim::sim
