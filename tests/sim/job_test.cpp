// SPDX-License-Identifier: Apache-2.0
#include "sim/job.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"
#include "tests/support/example_model.h"

namespace moesim::sim {
namespace {

// Three nodes of four accelerators, 8 experts, no jobs.
Scenario example_scenario() {
  Scenario scenario;
  scenario.name = "example";
  scenario.model = testing::example_model();
  scenario.training.seq_length = 16;
  scenario.routing.source = RoutingSourceKind::synthetic;
  scenario.cluster = testing::example_config(topologies::Topology::single_switch, 3, 4);
  return scenario;
}

JobConfig job_of(const Scenario& scenario, const std::string& name, std::vector<int> nodes,
                 std::vector<int> ranks = {}) {
  JobConfig job;
  job.name = name;
  job.nodes = std::move(nodes);
  job.ranks = std::move(ranks);
  job.model = scenario.model;
  job.training = scenario.training;
  job.routing = scenario.routing;
  return job;
}

base::Error refusal(const Scenario& scenario) {
  return base::thrown_error([&] { (void)jobs_of(scenario); });
}

TEST(Jobs, WithoutAnyThereIsOneOnAllRanks) {
  const std::vector<Job> jobs = jobs_of(example_scenario());
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].name, "example");
  EXPECT_EQ(jobs[0].start, base::Seconds(0));
  EXPECT_EQ(jobs[0].ranks, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(jobs[0].sizes.num_ranks, 12);
}

TEST(Jobs, EachHasItsRanksAndItsOwnSections) {
  Scenario scenario = example_scenario();
  scenario.jobs = {job_of(scenario, "a", {2, 0}), job_of(scenario, "b", {}, {7, 4})};
  scenario.jobs[1].start = base::Seconds(3e-3);
  scenario.jobs[1].training.seq_length = 32;
  const std::vector<Job> jobs = jobs_of(scenario);
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].name, "a");
  EXPECT_EQ(jobs[0].ranks, (std::vector<int>{0, 1, 2, 3, 8, 9, 10, 11}));
  EXPECT_EQ(jobs[0].sizes.num_ranks, 8);
  EXPECT_EQ(jobs[0].sizes.expert_parallel, 8);
  EXPECT_EQ(jobs[0].sizes.tokens_per_rank, 16);
  EXPECT_EQ(jobs[1].ranks, (std::vector<int>{4, 7}));
  EXPECT_EQ(jobs[1].start, base::Seconds(3e-3));
  EXPECT_EQ(jobs[1].sizes.expert_parallel, 2);
  EXPECT_EQ(jobs[1].sizes.tokens_per_rank, 32);
  EXPECT_EQ(jobs[1].scenario.cluster.num_nodes, 3);
  EXPECT_EQ(validate(scenario).num_ranks, 8) << "the first job's";
}

// Nodes of two and of three accelerators: node 1 is ranks 2 and 3, node 2 ranks 4 to 6.
TEST(Jobs, NodesOfSeveralKindsHaveTheirOwnNumbersOfRanks) {
  Scenario scenario = example_scenario();
  const topologies::Node node = scenario.cluster.node;
  scenario.cluster.num_nodes = 0;
  scenario.cluster.node = {};
  scenario.cluster.node_groups = {{node, 2}, {node, 1}};
  scenario.cluster.node_groups[0].node.accelerators_per_node = 2;
  scenario.cluster.node_groups[1].node.accelerators_per_node = 3;
  scenario.jobs = {job_of(scenario, "a", {1}), job_of(scenario, "b", {2})};
  const std::vector<Job> jobs = jobs_of(scenario);
  EXPECT_EQ(jobs[0].ranks, (std::vector<int>{2, 3}));
  EXPECT_EQ(jobs[1].ranks, (std::vector<int>{4, 5, 6}));
}

TEST(Jobs, PlacesOutsideOfTheClusterAreRefused) {
  Scenario scenario = example_scenario();
  scenario.jobs = {job_of(scenario, "a", {0}), job_of(scenario, "b", {1, 3})};
  base::Error error = refusal(scenario);
  EXPECT_EQ(error.where(), "/jobs/1/nodes/1");
  EXPECT_EQ(error.message(), "the cluster has no node 3");
  EXPECT_EQ(error.hint(), "use 0 to 2");
  scenario.jobs[1] = job_of(scenario, "b", {}, {12});
  error = refusal(scenario);
  EXPECT_EQ(error.where(), "/jobs/1/ranks/0");
  EXPECT_EQ(error.hint(), "use 0 to 11");
}

TEST(Jobs, AJobRunsOnNodesOrOnRanks) {
  Scenario scenario = example_scenario();
  scenario.jobs = {job_of(scenario, "a", {})};
  EXPECT_EQ(refusal(scenario).where(), "/jobs/0");
  scenario.jobs = {job_of(scenario, "a", {0}, {5})};
  EXPECT_EQ(refusal(scenario).message(), "a job runs on `nodes` or on `ranks`, one of the two");
}

TEST(Jobs, NoTwoShareARank) {
  Scenario scenario = example_scenario();
  scenario.jobs = {job_of(scenario, "a", {1}), job_of(scenario, "b", {}, {0, 6})};
  const base::Error error = refusal(scenario);
  EXPECT_EQ(error.where(), "/jobs/1");
  EXPECT_EQ(error.message(), "rank 6 is already \"a\"'s");
  scenario.jobs = {job_of(scenario, "a", {1, 1})};
  EXPECT_EQ(refusal(scenario).message(), "rank 4 is already \"a\"'s");
}

TEST(Jobs, NoTwoHaveOneName) {
  Scenario scenario = example_scenario();
  scenario.jobs = {job_of(scenario, "a", {0}), job_of(scenario, "a", {1})};
  EXPECT_EQ(refusal(scenario).where(), "/jobs/1/name");
}

TEST(Jobs, WhatIsWrongWithAWorkloadIsSaidOfItsJob) {
  Scenario scenario = example_scenario();
  scenario.jobs = {job_of(scenario, "a", {0}), job_of(scenario, "b", {1, 2})};
  scenario.jobs[1].parallel.expert_model_parallel_size = 3;
  const base::Error error = refusal(scenario);
  EXPECT_EQ(error.where(), "/jobs/1/parallel/expert_model_parallel_size");
  EXPECT_EQ(error.hint(), "use 2 or 4");
}

}  // namespace
}  // namespace moesim::sim
