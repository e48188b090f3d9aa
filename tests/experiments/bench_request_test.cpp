// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench_request.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/base/thrown_error.h"
#include "tests/experiments/bench_cases.h"

namespace moesim::experiments {
namespace {

using base::Bytes;
using testing::bench_cases;

BenchRequest request_on(const std::string& cluster, const std::string& ranks = "16") {
  BenchRequest request;
  request.cluster = cluster;
  request.ranks = ranks;
  return request;
}

base::Error error_of(const BenchRequest& request, const std::vector<std::string>& compare = {}) {
  return base::thrown_error([&] { (void)bench_cases(request, compare); });
}

TEST(BenchRequest, ThePresetGetsTheNodesThatTheRanksNeed) {
  const auto cases = bench_cases(request_on("h100_single_switch", "20"), {});
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].cluster.num_nodes, 3);  // of 8
  EXPECT_EQ(cases[0].collective.ranks.size(), 20u);
  EXPECT_EQ(cases[0].collective.algorithm, "direct");
  EXPECT_EQ(cases[0].fidelity, sim::Fidelity::collective);
}

TEST(BenchRequest, ComparisonsMultiply) {
  BenchRequest request = request_on("h100_single_switch");
  const auto cases =
      bench_cases(request, {"fidelity=analytic,flow", "cluster.num_nodes=2,8", "skew=w2,zipf"});
  ASSERT_EQ(cases.size(), 8u);
  EXPECT_EQ(cases[0].label, "analytic, 2, w2");
  EXPECT_EQ(cases[7].label, "flow, 8, zipf");
  EXPECT_EQ(cases[7].fidelity, sim::Fidelity::flow);
  EXPECT_EQ(cases[7].cluster.num_nodes, 8);
  EXPECT_EQ(cases[0].skew.distribution, sim::Distribution::w2_hot_rank);
  EXPECT_EQ(cases[7].skew.distribution, sim::Distribution::zipf);
}

TEST(BenchRequest, AnExperimentsSectionsCount) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / "bench_request_test.json";
  std::ofstream(file) << R"({"name": "x", "cluster": {"preset": "h100_single_switch",)"
                         R"( "num_nodes": 4}, "comm": {"all_reduce": "tree",)"
                         R"( "kernel_latency": "5 us"}, "network": {"fidelity": "analytic"}})";
  BenchRequest request = request_on(file.string());
  request.ranks.reset();
  request.collective = "all_reduce";
  const BenchCase bench = bench_cases(request, {})[0];
  EXPECT_EQ(bench.collective.ranks.size(), 32u);
  EXPECT_EQ(bench.collective.algorithm, "tree");
  EXPECT_EQ(bench.fidelity, sim::Fidelity::analytic);
  EXPECT_EQ(bench.protocol.kernel_latency.value, 5e-6);
  request.algorithm = "ring";
  request.fidelity = "flow";
  EXPECT_EQ(bench_cases(request, {})[0].collective.algorithm, "ring");
  EXPECT_EQ(bench_cases(request, {})[0].fidelity, sim::Fidelity::flow);
}

TEST(BenchRequest, WhatWouldChangeNothingIsAnError) {
  BenchRequest request = request_on("h100_single_switch");
  request.assignments = {"training.seq_length=4"};
  EXPECT_EQ(error_of(request).message(), "it has no effect on a collective by itself");
  request.assignments = {};
  request.collective = "all_reduce";
  request.skew = "w2";
  EXPECT_EQ(error_of(request).where(), "--skew");
  request.skew = "";
  EXPECT_EQ(error_of(request, {"sise=1,2"}).where(), "--compare");
  EXPECT_EQ(error_of(request, {"fidelity"}).message(), "\"fidelity\" names no values");
}

TEST(BenchRequest, ErrorsAcrossFieldsHaveTheFlagsPlace) {
  BenchRequest request = request_on("h100_rail_fat_tree");
  request.assignments = {"cluster.fabric.oversubscription=1000"};
  EXPECT_EQ(error_of(request).where(),
            "--set cluster.fabric.oversubscription=1000  /cluster/fabric/oversubscription");
}

TEST(BenchRequest, UnknownWordsGetTheNearest) {
  BenchRequest request = request_on("h100_single_switch");
  request.fidelity = "flaw";
  EXPECT_EQ(error_of(request).hint(), "did you mean \"flow\"?");
  request.fidelity = "";
  request.collective = "allreduce";
  EXPECT_EQ(error_of(request).hint(), "did you mean \"all_reduce\"?");
  request.collective = "all_to_all";
  request.skew = "w9";
  EXPECT_EQ(error_of(request).where(), "--skew");
  request.skew = "";
  request.cluster = "h100_singleswitch";
  EXPECT_NE(error_of(request).hint().find("h100_single_switch"), std::string::npos);
}

TEST(BenchRequest, AMatrixIsSquareAndOfTheRanks) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / "bench_request_matrix.json";
  BenchRequest request = request_on("h100_single_switch", "2");
  request.matrix = file.string();
  std::ofstream(file) << "[[0, 10], [20.5, 0]]";
  EXPECT_EQ(bench_cases(request, {})[0].collective.traffic,
            (std::vector<Bytes>{Bytes(0), Bytes(10), Bytes(20.5), Bytes(0)}));
  std::ofstream(file) << "[[0, 1e30], [2, 0]]";
  EXPECT_EQ(error_of(request).message(), "more than 1 PiB of bytes");
  for (const char* wrong : {"[[0, 1]]", "[[0, 1], [2]]", "[[0, 1], [2, -3]]", "{}"}) {
    std::ofstream(file) << wrong;
    EXPECT_EQ(error_of(request).message(), "a matrix of bytes is a list of 2 lists of 2 numbers")
        << wrong;
  }
}

}  // namespace
}  // namespace moesim::experiments
