// SPDX-License-Identifier: Apache-2.0
#include "experiments/collective_bench.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"
#include "tests/experiments/bench_cases.h"

namespace moesim::experiments {
namespace {

using base::Bytes;
using testing::bench_cases;

std::vector<double> sizes(double begin, double end, double factor, double step, double granule) {
  std::vector<double> list;
  for (const Bytes size :
       sizes_of({Bytes(begin), Bytes(end), factor, Bytes(step)}, Bytes(granule))) {
    list.push_back(size.value);
  }
  return list;
}

TEST(CollectiveBench, SizesGrowByAFactorOrAStep) {
  EXPECT_EQ(sizes(8, 64, 2, 0, 4), (std::vector<double>{8, 16, 32, 64}));
  EXPECT_EQ(sizes(8, 30, 0, 10, 4), (std::vector<double>{8, 20, 28}));
  EXPECT_EQ(sizes(8, 8, 0, 0, 4), (std::vector<double>{8}));
}

// 64 ranks of 4-byte elements: nothing below 256 B can be cut for all, and no size is 0.
TEST(CollectiveBench, SizesAreWholeElementsOfEveryRank) {
  EXPECT_EQ(sizes(8, 1024, 2, 0, 256), (std::vector<double>{256, 512, 1024}));
}

TEST(CollectiveBench, SizesThatNeverEndAreErrors) {
  const auto where = [](double begin, double end, double factor, double step) {
    return base::thrown_error([&] { (void)sizes(begin, end, factor, step, 4); }).where();
  };
  EXPECT_EQ(where(16, 8, 2, 0), "-e");
  EXPECT_EQ(where(8, 16, 0, 0), "-e");
  EXPECT_EQ(where(8, 16, 1, 0), "-f");
  EXPECT_EQ(where(8, 16, 2, 4), "-f");
  EXPECT_EQ(where(8, 1e9, 0, 4), "-i");
}

// 64 ranks with a NIC each of 50 GiB/s on one switch.
BenchRequest one_switch() {
  BenchRequest request;
  request.cluster = "h100_single_switch";
  request.assignments = {"cluster.num_nodes=64", "cluster.node.accelerators_per_node=1",
                         "cluster.node.nic_bandwidth=50 GiB/s",
                         "cluster.node.pcie_bandwidth=100 GiB/s", "cluster.node.nic_latency=0 us"};
  return request;
}

// 256 MiB a rank, of which 63/64 cross the port: 63/64 * 5 ms = 4,921.875 us; algbw 256 MiB / time,
// busbw 50 GiB/s. At every fidelity; flow leaves each message 1 ns late at least.
TEST(CollectiveBench, UniformAllToAllTakesItsClosedForm) {
  for (BenchCase& bench : bench_cases(one_switch(), {"fidelity=analytic,collective,flow"})) {
    const std::string label = bench.label;
    CollectiveBench measured(std::move(bench));
    const BenchFigures figures = measured.measure(Bytes(256.0 * (1 << 20)));
    EXPECT_NEAR(figures.time.value, 4921.875e-6, 1e-8) << label;
    EXPECT_NEAR(figures.floor.value, 4921.875e-6, 1e-12) << label;
    EXPECT_NEAR(figures.busbw.value, 50.0 * (1 << 30), 2e5) << label;
    EXPECT_NEAR(figures.algbw.value / figures.busbw.value, 64.0 / 63.0, 1e-9) << label;
  }
}

// Ring all-reduce of 256 MiB on 8 of those ranks: 2 * 7/8 * 256 MiB / 50 GiB/s = 8.75 ms.
TEST(CollectiveBench, RingAllReduceTakesItsClosedForm) {
  BenchRequest request = one_switch();
  request.collective = "all_reduce";
  request.algorithm = "ring";
  request.ranks = "8";
  CollectiveBench bench(bench_cases(request, {"fidelity=collective"})[0]);
  EXPECT_NEAR(bench.measure(Bytes(256.0 * (1 << 20))).time.value, 8.75e-3, 1e-8);
}

// Zipf of exponent 1: 1 / H(64) = 0.2108 of everyone's bytes reach one port, from 63 ranks.
TEST(CollectiveBench, ZipfTrafficTakesAsLongAsItsHotPort) {
  BenchRequest request = one_switch();
  request.skew = "zipf";
  request.assignments.emplace_back("routing.synthetic.zipf_exponent=1");
  CollectiveBench bench(bench_cases(request, {"fidelity=analytic"})[0]);
  EXPECT_NEAR(bench.measure(Bytes(256.0 * (1 << 20))).time.value, 66.4e-3, 0.05e-3);
}

TEST(CollectiveBench, AProtocolIsPaidAndItsEfficiencyLost) {
  BenchRequest request = one_switch();
  request.assignments.emplace_back("comm.kernel_latency=10 us");
  request.assignments.emplace_back("comm.network_efficiency=0.5");
  CollectiveBench bench(bench_cases(request, {"fidelity=analytic"})[0]);
  EXPECT_NEAR(bench.measure(Bytes(256.0 * (1 << 20))).time.value, 2 * 4921.875e-6 + 10e-6, 1e-9);
}

// Rank 1's port sends 30 of the 40 bytes; the size of the row is the mean of what ranks send.
TEST(CollectiveBench, AMatrixBringsItsOwnSize) {
  BenchCase bench = bench_cases(one_switch(), {})[0];
  bench.collective.ranks = {0, 1};
  bench.collective.traffic = {Bytes(0), Bytes(10), Bytes(30), Bytes(0)};
  EXPECT_EQ(CollectiveBench(bench).own_size().value, 20);
  bench.collective.traffic.clear();
  EXPECT_EQ(CollectiveBench(bench).own_size().value, 0);
}

}  // namespace
}  // namespace moesim::experiments
