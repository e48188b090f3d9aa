// SPDX-License-Identifier: Apache-2.0
// That boxes bring what a stage needs is in grouped_kernel_test.cpp.
#include "model/cuda/gemm/stage_boxes.h"

#include <gtest/gtest.h>

#include <array>

namespace moesim::model::cuda {
namespace {

alignas(16) constexpr std::array<Bf16, 64> kMemory{};

GroupedProblem<Bf16> sound_problem() {
  GroupedProblem<Bf16> problem;
  problem.rows = 1;
  problem.experts = 1;
  problem.columns = 8;
  problem.depth = 8;
  problem.a[0] = {kMemory.data(), 8, 0, nullptr};
  problem.b[0] = {kMemory.data(), 16, 64, nullptr};
  return problem;
}

// 8 elements of bf16 are 16 bytes.
TEST(StageBoxes, AreForOperandsWhoseLinesBeginAtMultiplesOf16Bytes) {
  EXPECT_TRUE(warpgroups_take(Form::into_units, sound_problem()));
  GroupedProblem<Bf16> shifted = sound_problem();
  shifted.b[0].data += 4;
  EXPECT_FALSE(warpgroups_take(Form::into_units, shifted));
  GroupedProblem<Bf16> strided = sound_problem();
  strided.a[0].stride = 12;
  EXPECT_FALSE(warpgroups_take(Form::into_units, strided));
  GroupedProblem<Bf16> apart = sound_problem();
  apart.b[0].expert_stride = 20;
  EXPECT_FALSE(warpgroups_take(Form::into_units, apart));
}

// A map of no lines is refused by the driver; the other kernels take such problems.
TEST(StageBoxes, AreNotForEmptyProducts) {
  GroupedProblem<Bf16> rowless = sound_problem();
  rowless.rows = 0;
  EXPECT_FALSE(warpgroups_take(Form::into_rows, rowless));
  GroupedProblem<Bf16> gradients = sound_problem();
  gradients.depth = 0;  // has no meaning there
  EXPECT_FALSE(warpgroups_take(Form::into_weights, gradients));
  gradients.out_rows = 8;
  EXPECT_TRUE(warpgroups_take(Form::into_weights, gradients));
}

// Gate and up (128 lines of 64 k's each) fill the 256 columns of B one after the other, behind A's
// 16 KiB: the second box lies 128 x 128 bytes on and has the up weights.
TEST(StageBoxes, BringBothPartsOfATile) {
  using Config = WarpgroupTile<Form::into_units, 2>;
  GroupedProblem<Bf16> problem = sound_problem();
  problem.depth = 256;
  const TileReader<Config> reader{problem};
  const Tile tile{3, 0, 128, 256, 0, 0, 4};
  const Stage<Config> stage{reader, tile, 2};
  EXPECT_FALSE(stage.has_a());
  EXPECT_EQ(stage.bytes(), 2 * 128 * 128);
  const StageBox up = stage.b(1, a_bytes<Config>());
  EXPECT_EQ(up.operand, BoxedName::b1);
  EXPECT_EQ(up.column, 128);  // k's
  EXPECT_EQ(up.line, 256);
  EXPECT_EQ(up.expert, 3);
  EXPECT_EQ(up.to, 16384 + 16384);
}

// 70 rows are a stage of 64 and one of 6, whose box would bring the next expert's rows.
TEST(StageBoxes, LeaveTheLastRowsOfAnExpertToCopiesWhereRowsAreSummed) {
  using Config = WarpgroupTile<Form::into_weights, 1>;
  const GroupedProblem<Bf16> problem = sound_problem();
  const TileReader<Config> reader{problem};
  const Tile tile{0, 0, 128, 0, 0, 70, 2};
  EXPECT_TRUE((Stage<Config>{reader, tile, 0}.has_a()));
  EXPECT_FALSE((Stage<Config>{reader, tile, 1}.has_a()));
  EXPECT_EQ((Stage<Config>{reader, tile, 1}.bytes()), 0);
}

}  // namespace
}  // namespace moesim::model::cuda
