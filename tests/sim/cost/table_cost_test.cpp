// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/table_cost.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file_bytes.h"
#include "sim/cost/layer_cost.h"
#include "tests/support/example_accelerator.h"
#include "tests/support/example_model.h"

namespace moesim::sim {
namespace {

// 10 workers that take 1e12 FLOP/s in tiles of 64 x 128, memory that costs nothing.
KernelTable example_kernel() {
  KernelTable kernel;
  kernel.model.workers = 10;
  kernel.model.moved = base::BytesPerSecond(1e30);
  kernel.model.tiles = {{64, 128, base::FlopsPerSecond(1e12), base::BytesPerSecond(1e30)}};
  return kernel;
}

std::shared_ptr<const CostTable> table_of(const char* family, const KernelTable& kernel) {
  auto table = std::make_shared<CostTable>();
  table->name = "example";
  table->kernels[family] = kernel;
  return table;
}

constexpr ExpertShape kShape = {1280, 640, true, 2};

// 64 rows in one expert, hidden 1280, width 640, gated. Both GEMMs have n = 1280 (2 x 640, and the
// hidden size): ten tiles, one wave. Forward 2*64*128*(1280 + 640) / 1e11 = 314.5728 us. The data
// gradients: n 640, k 1280 (half a wave counts as one) and n 1280, k 1280; the weight gradients
// [1280, 1280] and [640, 1280] have 200 and 100 tiles, 20 and 10 waves of depth 64.
TEST(TableCost, ExpertsAreTheLayersGemmsForwardAndBackward) {
  const TableCost cost(table_of(kMoeLayer, example_kernel()), Clocks::burst, 0);
  const std::vector<int> rows{64};
  const PassTimes times = cost.experts(rows, kShape).value();
  const double depth = 2.0 * 64 * 128 / 1e11;
  EXPECT_NEAR(times.forward.value, depth * (1280 + 640), 1e-12);
  EXPECT_NEAR(times.backward.value, depth * (1280 + 1280 + 64 * 30), 1e-12);
}

// 128 rows: 64 and 64 are one tile per expert and column block (20 tiles, two waves), 127 and 1
// three (30 tiles, three).
TEST(TableCost, ExpertsFollowTheCountsOfEachExpert) {
  const TableCost cost(table_of(kMoeLayer, example_kernel()), Clocks::burst, 0);
  const double even = cost.experts(std::vector<int>{64, 64}, kShape)->forward.value;
  const double uneven = cost.experts(std::vector<int>{127, 1}, kShape)->forward.value;
  EXPECT_NEAR(uneven, 1.5 * even, 1e-12);
  EXPECT_EQ(cost.experts(std::vector<int>{0, 0}, kShape)->forward.value, 0);
}

// Half of the workers are reserved: half the rate, twice the waves of half the length... ten tiles
// take two waves of five, each as long as before, since a worker is as fast as it was.
TEST(TableCost, ReservedWorkersTakeTheirRateAlong) {
  const std::vector<int> rows{64};
  const TableCost all(table_of(kMoeLayer, example_kernel()), Clocks::burst, 0);
  const TableCost half(table_of(kMoeLayer, example_kernel()), Clocks::burst, 5);
  EXPECT_NEAR(half.experts(rows, kShape)->forward.value,
              2 * all.experts(rows, kShape)->forward.value, 1e-12);
}

TEST(TableCost, SustainedClocksSlowEveryKernelAndMustBeMeasured) {
  KernelTable kernel = example_kernel();
  EXPECT_THROW(TableCost(table_of(kMoeLayer, kernel), Clocks::sustained, 0), base::Error);
  kernel.sustained_slowdown = 1.25;
  const TableCost burst(table_of(kMoeLayer, kernel), Clocks::burst, 0);
  const TableCost sustained(table_of(kMoeLayer, kernel), Clocks::sustained, 0);
  const std::vector<int> rows{64};
  EXPECT_NEAR(sustained.experts(rows, kShape)->backward.value,
              1.25 * burst.experts(rows, kShape)->backward.value, 1e-12);
}

TEST(TableCost, UnknownKernelsAreNotGuessed) {
  const TableCost cost(table_of(kMoeLayer, example_kernel()), Clocks::burst, 0);
  EXPECT_FALSE(cost.linear(64, 128, 128));
  EXPECT_FALSE(cost.permute(8, 64, 128));
  EXPECT_FALSE(cost.attention(64, 128, 64));
  const TableCost gemms(table_of(kGemm, example_kernel()), Clocks::burst, 0);
  EXPECT_FALSE(gemms.experts(std::vector<int>{64}, kShape));
  EXPECT_FALSE(gemms.combine(1, 2, 128));
}

// A layer's table sums at its rate: 2 bytes x (2 + 4 rows) x 128 at 1 GB/s = 1.536 us, backward
// twice; one with a combine of its own takes that, with its launch of 5 us. A copy of 2 rows
// into 4 moves as much; of 9 tokens' rows 4 can be read, 8 x 256 bytes in all: 2.048 us.
TEST(TableCost, CopiesAndSumsMoveTheirBytes) {
  KernelTable kernel = example_kernel();
  kernel.model.moved = base::BytesPerSecond(1e9);
  const TableCost layer(table_of(kMoeLayer, kernel), Clocks::burst, 0);
  EXPECT_NEAR(layer.combine(2, 4, 128)->forward.value, 1.536e-6, 1e-15);
  EXPECT_NEAR(layer.combine(2, 4, 128)->backward.value, 3.072e-6, 1e-15);
  kernel.model.fixed = base::Seconds(5e-6);
  const TableCost own(table_of(kCombine, kernel), Clocks::burst, 0);
  EXPECT_NEAR(own.combine(2, 4, 128)->forward.value, 6.536e-6, 1e-15);
  const TableCost copies(table_of(kPermute, kernel), Clocks::burst, 0);
  EXPECT_NEAR(copies.permute(2, 4, 128)->forward.value, 6.536e-6, 1e-15);
  EXPECT_NEAR(copies.permute(9, 4, 128)->forward.value, 7.048e-6, 1e-15);
}

// 64 tokens of 8 heads x 16 in sequences of 64: 4 * 64 * 32 * 128 FLOP at 1e12.
TEST(TableCost, AttentionSeesHalfOfTheKeys) {
  const TableCost cost(table_of(kAttention, example_kernel()), Clocks::burst, 0);
  const PassTimes times = cost.attention(64, 128, 64).value();
  EXPECT_NEAR(times.forward.value, 4.0 * 64 * 32 * 128 / 1e12, 1e-15);
  EXPECT_NEAR(times.backward.value, 2 * times.forward.value, 1e-15);
}

// Where the table knows experts, a rank's time is the table's; attention stays the roofline's.
TEST(LayerCostByTable, TakesWhatTheTableKnows) {
  const model::ModelSpec spec = testing::example_model();
  const topologies::Accelerator accelerator = testing::example_accelerator();
  const auto table =
      std::make_shared<TableCost>(table_of(kMoeLayer, example_kernel()), Clocks::burst, 0);
  const LayerCost roofline(spec, accelerator, 128);
  const LayerCost cost(spec, accelerator, 128, table);
  const std::vector<int> rows{64, 3};
  const ExpertShape shape = {spec.hidden_size, spec.moe_intermediate_size, spec.gated_experts,
                             spec.num_experts_per_tok};
  EXPECT_EQ(cost.experts(rows).forward, table->experts(rows, shape)->forward);
  EXPECT_NE(cost.experts(rows).forward, roofline.experts(rows).forward);
  EXPECT_EQ(cost.attention(128).forward, roofline.attention(128).forward);
}

TEST(CostTableOf, AnAcceleratorWithoutOneIsAnError) {
  try {
    cost_table_of(testing::example_accelerator(), "/cluster/node/accelerator");
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "/cluster/node/accelerator/cost_table");
    EXPECT_NE(error.hint().find("h200_trtllm"), std::string::npos);
  }
}

TEST(CostTables, AreReadOnce) {
  CostTables tables;
  topologies::Accelerator accelerator = testing::example_accelerator();
  accelerator.cost_table = "h200_vllm";
  const auto first = tables.of(accelerator);
  EXPECT_EQ(first->engine, "VLLM");
  EXPECT_EQ(tables.of(accelerator), first);
  accelerator.cost_table = "h200_sglang";
  EXPECT_NE(tables.of(accelerator), first);
  accelerator.cost_table = "none";
  EXPECT_THROW(tables.of(accelerator), base::Error);
  EXPECT_THROW(tables.of(accelerator), base::Error);
}

TEST(CostSourceText, NamesTheTableAndWhatItWasFittedTo) {
  CostTables tables;
  topologies::Accelerator accelerator = testing::example_accelerator();
  EXPECT_EQ(cost_source_text({}, std::vector<const topologies::Accelerator*>{&accelerator}, tables),
            "roofline");
  accelerator.cost_table = "h200_vllm";
  topologies::Accelerator other = accelerator;
  const std::vector<const topologies::Accelerator*> both{&accelerator, &other};
  EXPECT_EQ(cost_source_text({CostSource::table, Clocks::burst}, both, tables),
            "table h200_vllm (fitted to NVIDIA H200 SXM 141 GB), burst clocks");
  other.cost_table = "h200_sglang";
  EXPECT_EQ(cost_source_text({CostSource::table, Clocks::burst}, both, tables),
            "table h200_vllm (fitted to NVIDIA H200 SXM 141 GB), h200_sglang (fitted to NVIDIA "
            "H200 SXM 141 GB), burst clocks");
}

// The same wherever the file lies, another once the file is: sha256 of "" would begin e3b0c442.
TEST(CostSourceText, NamesAFileAndItsContent) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "own_table.json";
  std::ofstream(file) << cost_table_text(*find_cost_table("h200_vllm", ""));
  topologies::Accelerator accelerator = testing::example_accelerator();
  accelerator.cost_table = file.string();
  CostTables tables;
  const std::vector<const topologies::Accelerator*> one{&accelerator};
  EXPECT_EQ(cost_source_text({CostSource::table, Clocks::burst}, one, tables),
            "table own_table.json sha256 " + base::sha256_of_file(file, "").substr(0, 8) +
                " (fitted to NVIDIA H200 SXM 141 GB), burst clocks");
  std::filesystem::remove(file);
}

TEST(OtherMachineWarning, ComesOfAnotherNameAFasterTableAndAMuchFasterAccelerator) {
  topologies::Accelerator accelerator = testing::example_accelerator();
  CostTable table;
  table.machine = accelerator.name;
  table.peak = accelerator.peak_bf16;
  table.peak_bandwidth = accelerator.memory_bandwidth;
  EXPECT_FALSE(other_machine_warning(table, accelerator));
  table.peak = 0.6 * accelerator.peak_bf16;  // the fastest that was measured
  EXPECT_FALSE(other_machine_warning(table, accelerator));
  table.peak = 1.1 * accelerator.peak_bf16;
  EXPECT_TRUE(other_machine_warning(table, accelerator));
  table.peak = accelerator.peak_bf16;
  accelerator.memory_bandwidth = 3 * accelerator.memory_bandwidth;
  EXPECT_TRUE(other_machine_warning(table, accelerator));
  table.peak_bandwidth = accelerator.memory_bandwidth;
  table.machine = "another";
  const std::string warning = other_machine_warning(table, accelerator).value_or("");
  EXPECT_NE(warning.find("fitted to another"), std::string::npos) << warning;
  EXPECT_NE(warning.find("the accelerator is example"), std::string::npos) << warning;
}

// What calibration writes: the machine is told with versions and backend, the device as its driver
// calls it. The rates of both are equal here.
TEST(OtherMachineWarning, ComparesTheDevicesModel) {
  topologies::Accelerator accelerator = testing::example_accelerator();
  CostTable table;
  table.peak = accelerator.peak_bf16;
  table.peak_bandwidth = accelerator.memory_bandwidth;
  const auto warns = [&](const char* device, const char* name) {
    table.device = device;
    table.machine = std::string(device) + ", CUDA driver 13.0, runtime 13.0, backend cuda:bf16";
    accelerator.name = name;
    return other_machine_warning(table, accelerator).has_value();
  };
  EXPECT_FALSE(warns("NVIDIA H200", "NVIDIA H200 SXM 141 GB"));
  EXPECT_FALSE(warns("NVIDIA A100-SXM4-80GB", "NVIDIA A100 SXM 80 GB"));
  EXPECT_FALSE(warns("NVIDIA H100 80GB HBM3", "NVIDIA H100 SXM5 80 GB"));
  EXPECT_FALSE(warns("unknown processor", "unknown processor"));
  EXPECT_TRUE(warns("NVIDIA H20", "NVIDIA H200 SXM 141 GB"));
  EXPECT_TRUE(warns("NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 3090"));
  EXPECT_TRUE(warns("unknown processor", "unknown"));
  EXPECT_TRUE(warns("", "NVIDIA H200 SXM 141 GB"));  // the machine then, without a name in front
}

}  // namespace
}  // namespace moesim::sim
