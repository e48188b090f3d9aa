// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/measuring_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace moesim::experiments {
namespace {

const std::set<std::string> kAll = {sim::kGemm, sim::kGroupedGemm, sim::kPermute, sim::kCombine,
                                    sim::kAttention};

// Each family has shapes enough to leave one out, and the grid has points off the tiles' sizes.
TEST(MeasuringGrid, HoldsEveryKernelInSeveralShapes) {
  for (const GridSize size : {GridSize::small, GridSize::processor, GridSize::accelerator}) {
    const std::vector<LatencyRow> grid = measuring_grid(size);
    std::map<std::string, std::set<std::tuple<int, int, int>>> shapes;
    for (const LatencyRow& row : grid) {
      shapes[row.kernel].emplace(row.experts, row.hidden, row.inter);
    }
    for (const std::string& kernel : kAll) EXPECT_GE(shapes[kernel].size(), 3u) << kernel;
    EXPECT_EQ(shapes.size(), kAll.size());
    EXPECT_TRUE(std::any_of(grid.begin(), grid.end(),
                            [](const LatencyRow& row) { return row.tokens == 129; }));
  }
}

// Who leaves a row out because it takes too long leaves out those that follow of its shape.
TEST(MeasuringGrid, HasTheRowsOfAShapeByTheirTokens) {
  for (const GridSize size : {GridSize::small, GridSize::processor, GridSize::accelerator}) {
    std::set<std::tuple<std::string, int, int, int, int, std::string>> begun;
    int tokens = 0;
    for (const LatencyRow& row : measuring_grid(size)) {
      const bool is_new =
          begun.emplace(row.kernel, row.experts, row.topk, row.hidden, row.inter, row.distribution)
              .second;
      if (!is_new) {
        EXPECT_GT(row.tokens, tokens);
      }
      tokens = row.tokens;
    }
  }
}

// Products of tensor cores read 16 bytes at a time: every width is a multiple of 8 elements.
TEST(MeasuringGrid, SuitsTensorCoresOnAnAccelerator) {
  for (const LatencyRow& row : measuring_grid(GridSize::accelerator)) {
    EXPECT_EQ(row.hidden % 8, 0);
    EXPECT_EQ(row.inter % 8, 0);
  }
}

}  // namespace
}  // namespace moesim::experiments
