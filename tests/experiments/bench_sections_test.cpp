// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench_sections.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/base/thrown_error.h"
#include "tests/experiments/bench_cases.h"
#include "topologies/import_export/import_export.h"

namespace moesim::experiments {
namespace {

using Warnings = std::vector<std::string>;

BenchRequest request_with(const std::vector<std::string>& assignments) {
  BenchRequest request;
  request.cluster = "h100_rail_fat_tree";
  request.ranks = "16";
  request.assignments = assignments;
  return request;
}

Warnings warnings_of(const BenchRequest& request) {
  return testing::bench_cases(request, {}).front().warnings;
}

std::filesystem::path written(const std::string& name, const std::string& text) {
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / name;
  std::ofstream(file) << text;
  return file;
}

TEST(BenchSections, KeysThatTheirSectionDoesNotUseAreWarnedOf) {
  EXPECT_EQ(warnings_of(request_with({})), Warnings{});
  EXPECT_EQ(warnings_of(request_with({"cluster.fabric.tiers=3"})),
            (Warnings{"--set cluster.fabric.tiers=3  /cluster/fabric/tiers: \"tiers\" has no "
                      "effect: it is only used when cluster.topology is fat_tree"}));
  EXPECT_EQ(warnings_of(request_with({"routing.synthetic.zipf_exponent=1"})),
            (Warnings{"--set routing.synthetic.zipf_exponent=1  "
                      "/routing/synthetic/zipf_exponent: \"zipf_exponent\" has no effect: it is "
                      "only used when routing.synthetic.distribution is zipf"}));
}

TEST(BenchSections, KeysThatAnotherCollectiveUsesAreWarnedOf) {
  BenchRequest request = request_with(
      {"routing.synthetic.distribution=zipf", "comm.all_to_all=ring", "comm.all_reduce=ring"});
  EXPECT_EQ(warnings_of(request),
            (Warnings{"--set comm.all_reduce=ring  /comm/all_reduce: \"all_reduce\" has no "
                      "effect: it is only used when the collective is all_reduce"}));
  request.collective = "all_reduce";
  EXPECT_EQ(warnings_of(request),
            (Warnings{"--set comm.all_to_all=ring  /comm/all_to_all: \"all_to_all\" has no "
                      "effect: it is only used when the collective is all_to_all",
                      "--set routing.synthetic.distribution=zipf  /routing/synthetic: "
                      "\"synthetic\" has no effect: it is only used when the collective is "
                      "all_to_all"}));
}

TEST(BenchSections, KeysOfAWholeStepAreWarnedOf) {
  BenchRequest request = request_with(
      {"comm.reserved_sms=4", "cluster.node.accelerator.memory=1 GiB", "comm.kernel_latency=1 us"});
  EXPECT_EQ(warnings_of(request),
            (Warnings{"--set comm.reserved_sms=4  /comm/reserved_sms: \"reserved_sms\" has no "
                      "effect: it is only used when moesim run computes a step",
                      "--set cluster.node.accelerator.memory=1 GiB  /cluster/node/accelerator: "
                      "\"accelerator\" has no effect: it is only used when moesim run computes a "
                      "step"}));
}

// A flag stands for a file's key, which is right on its own; two flags contradict each other.
TEST(BenchSections, AFlagThatReplacesAFlagIsWarnedOf) {
  BenchRequest request = request_with({"network.fidelity=flow", "comm.all_to_all=ring"});
  EXPECT_EQ(warnings_of(request), Warnings{});
  request.fidelity = "analytic";
  request.algorithm = "direct";
  EXPECT_EQ(warnings_of(request).size(), 2u);
  const auto file = written("bench_sections_flags.json",
                            R"({"cluster": {"preset": "h100_rail_fat_tree", "num_nodes": 2},)"
                            R"( "network": {"fidelity": "flow"}, "comm": {"all_to_all": "ring"}})");
  request.assignments = {};
  request.cluster = file.string();
  EXPECT_EQ(warnings_of(request), Warnings{});
  request.message_bytes = "8 KiB";
  EXPECT_EQ(warnings_of(request),
            (Warnings{"--message-bytes: it has no effect: it is only used when the algorithm is "
                      "low_latency"}));
}

TEST(BenchSections, AFilesOwnKeyWithoutEffectIsAnErrorAtItsPlace) {
  const auto file =
      written("bench_sections_unused.json",
              R"({"cluster": {"preset": "h100_rail_fat_tree", "num_nodes": 2, "fabric": {)"
              "\n"
              R"("tiers": 3}}, "model": {"unread": 1}})");
  BenchRequest request = request_with({});
  request.cluster = file.string();
  request.ranks.reset();
  const base::Error error = base::thrown_error([&] { (void)warnings_of(request); });
  EXPECT_EQ(error.where(), file.string() + ":2:1  /cluster/fabric/tiers");
  request.assignments = {"network.fidelity=flow"};
  EXPECT_EQ(warnings_of(request).size(), 1u) << "with a flag, a warning";
}

TEST(BenchSections, AGraphFileHasNoKeysToSet) {
  BenchRequest request = request_with({});
  const std::filesystem::path graph =
      std::filesystem::path(::testing::TempDir()) / "bench_sections_graph.json";
  topologies::write_cluster(
      topologies::build_cluster(testing::bench_cases(request, {}).front().cluster), graph.string());
  request.cluster = graph.string();
  for (const std::vector<std::string>& assignments :
       {std::vector<std::string>{}, std::vector<std::string>{"cluster.num_nodes=2"}}) {
    request.assignments = assignments;
    const base::Error error = base::thrown_error([&] { (void)warnings_of(request); });
    EXPECT_EQ(error.where(), graph.string());
    EXPECT_EQ(error.message(),
              "it is a cluster's graph, which has no keys (as cluster.num_nodes) to set");
    EXPECT_NE(error.hint().find("\"topology\": \"file\""), std::string::npos);
  }
}

// What the hint says works: the graph stands beside the file that names it.
TEST(BenchSections, AFileThatNamesAGraphIsReadBesideIt) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "bench_sections_graph";
  std::filesystem::create_directories(folder);
  BenchRequest request = request_with({});
  topologies::write_cluster(
      topologies::build_cluster(testing::bench_cases(request, {}).front().cluster),
      (folder / "g.json").string());
  std::ofstream(folder / "c.json") << R"({"cluster": {"topology": "file", "file": "g.json",)"
                                      R"( "accelerator": {"preset": "h100_sxm5_80gb"}}})";
  request.cluster = (folder / "c.json").string();
  request.ranks.reset();
  EXPECT_EQ(testing::bench_cases(request, {}).front().collective.ranks.size(), 16u);
}

}  // namespace
}  // namespace moesim::experiments
