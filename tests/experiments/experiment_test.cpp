// SPDX-License-Identifier: Apache-2.0
#include "experiments/experiment.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/base/thrown_error.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

Experiment read(const std::string& more) {
  base::ReadReport report;
  return read_experiment(small_document(more), report);
}

TEST(Jobs, TakeWhatTheExperimentSays) {
  const Experiment experiment =
      read(R"(, "router": {"seed": 5}, "jobs": [{"name": "a", "nodes": [0]}])");
  ASSERT_EQ(experiment.scenario.jobs.size(), 1U);
  const sim::JobConfig& job = experiment.scenario.jobs[0];
  EXPECT_EQ(job.model.num_experts, 16);
  EXPECT_EQ(job.training.seq_length, 16);
  EXPECT_EQ(job.router.seed, 5U);
  EXPECT_EQ(job.routing.source, sim::RoutingSourceKind::synthetic);
  EXPECT_EQ(job.start, base::Seconds(0));
}

TEST(Jobs, SayWhatDiffers) {
  const Experiment experiment =
      read(R"(, "jobs": [{"name": "a", "nodes": [0], "model": {"num_experts": 8}},)"
           R"( {"name": "b", "ranks": [9, 8], "start": "2 ms", "training": {"seq_length": 32},)"
           R"( "comm": {"all_to_all": "ring"}}])");
  const sim::JobConfig& a = experiment.scenario.jobs[0];
  const sim::JobConfig& b = experiment.scenario.jobs[1];
  EXPECT_EQ(a.model.num_experts, 8);
  EXPECT_EQ(a.model.hidden_size, 64) << "the rest is the experiment's";
  EXPECT_EQ(a.training.seq_length, 16);
  EXPECT_EQ(b.model.num_experts, 16);
  EXPECT_EQ(b.training.seq_length, 32);
  EXPECT_EQ(b.comm.all_to_all, sim::AllToAll::ring);
  EXPECT_EQ(b.start, base::Seconds(2e-3));
  EXPECT_EQ(b.ranks, (std::vector<int>{9, 8}));
  EXPECT_EQ(experiment.scenario.model.num_experts, 16) << "a job changes nothing outside";
}

// Were it merged, the experiment's 16 experts would win over the preset's 64.
TEST(Jobs, ASectionThatNamesAPresetStandsForItself) {
  const Experiment experiment =
      read(R"(, "jobs": [{"name": "a", "nodes": [0], "model": {"preset": "olmoe-1b-7b"}}])");
  EXPECT_EQ(experiment.scenario.jobs[0].model.num_experts, 64);
  EXPECT_EQ(experiment.scenario.jobs[0].model.hidden_size, 2048);
}

TEST(Jobs, AnUnknownKeyIsAnErrorAtItsPlace) {
  const base::Error error = base::thrown_error(
      [] { read(R"(, "jobs": [{"name": "a", "nodes": [0], "trainning": {}}])"); });
  EXPECT_NE(error.where().find("/jobs/0/trainning"), std::string::npos) << error.where();
  EXPECT_NE(error.hint().find("training"), std::string::npos);
}

TEST(Jobs, NeedAList) {
  EXPECT_NE(base::thrown_error([] { read(R"(, "jobs": {"name": "a"})"); }).message(), "");
  EXPECT_NE(base::thrown_error([] { read(R"(, "jobs": [3])"); }).message(), "");
}

// small.json lies in the working directory.
TEST(Files, AreNamedByAbsolutePathsAndSentencesStay) {
  const std::string here = std::filesystem::current_path().string() + "/";
  const Experiment experiment =
      read(R"(, "jobs": [{"name": "a", "nodes": [0], "routing": {"source": "trace",)"
           R"( "trace": "a.trace"}}])");
  EXPECT_EQ(experiment.scenario.jobs[0].routing.trace, here + "a.trace");
  base::JsonValue document = small_document();
  base::set_json(document, R"(cluster.node={"accelerator": {"cost_table": "a/../b.json",)"
                           R"( "sources": {"cost_table": "fitted to own/rows.json"}}})");
  base::ReadReport report;
  const topologies::Accelerator accelerator =
      read_experiment(document, report).scenario.cluster.node.accelerator;
  EXPECT_EQ(accelerator.cost_table, here + "b.json");
  EXPECT_EQ(accelerator.sources.at("cost_table"), "fitted to own/rows.json");
  ASSERT_EQ(report.warnings.size(), 1u) << "of the table alone: no step reads it";
  EXPECT_EQ(base::placeless_text(report.warnings[0]),
            "/cluster/node/accelerator/cost_table: it has no effect: cost.source is roofline (to "
            "use it: table)");
}

TEST(Faults, AreReadWithTheirTimes) {
  const Experiment experiment = read(
      R"(, "faults": {"events": [{"kind": "switch_down", "target": "spine0", "at": "1 ms"}]})");
  ASSERT_EQ(experiment.scenario.faults.events.size(), 1U);
  EXPECT_EQ(experiment.scenario.faults.events[0].at, base::Seconds(1e-3));
}

}  // namespace
}  // namespace moesim::experiments
