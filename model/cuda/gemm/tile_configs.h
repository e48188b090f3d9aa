// SPDX-License-Identifier: Apache-2.0
// The tiles that kernels are built for, and what they cost in shared memory and registers.
#pragma once

#include "model/cuda/gemm/grouped_problem.h"

namespace moesim::model::cuda {

// Who multiplies: a thread, a warp with mma, a warpgroup with wgmma.
enum class Multiplier { thread, warp, warpgroup };

// Tiles of warps that multiply with mma.m16n8k16: all processors from compute capability 8.0 on.
// 128 x 128 x 32, four stages of cp.async, 8 warps of 64 x 32 each.
template <Form kFormOfTile, int kPartsOfTile>
struct WarpTile {
  using Element = Bf16;
  static constexpr Multiplier kMultiplier = Multiplier::warp;
  static constexpr Form kForm = kFormOfTile;
  static constexpr int kParts = kPartsOfTile;
  static constexpr int kM = 128, kN = 128, kK = 32;
  static constexpr int kStages = 4;
  static constexpr int kThreads = 256;
  static constexpr int kWarpColumns = 4;  // warps side by side
  static constexpr int kWarpM = 64, kWarpN = 32;
};

// Tiles of threads that add products one by one, in order of k, in fp32: the reference mode.
// 64 x 64 x 32, 256 threads of 4 x 4 each.
template <Form kFormOfTile, int kPartsOfTile>
struct ThreadTile {
  using Element = float;
  static constexpr Multiplier kMultiplier = Multiplier::thread;
  static constexpr Form kForm = kFormOfTile;
  static constexpr int kParts = kPartsOfTile;
  static constexpr int kM = 64, kN = 64, kK = 32;
  static constexpr int kStages = 2;
  static constexpr int kThreads = 256;
  static constexpr int kThreadM = 4, kThreadN = 4;
};

// Tiles of warpgroups that multiply with wgmma: compute capability 9.0. One warpgroup loads, two
// multiply; either both on halves of one tile's rows, or each on tiles of its own in turn, so that
// one finishes its tile while the other multiplies: worth it where k is short.
template <Form kFormOfTile, int kPartsOfTile>
struct WarpgroupTile {
  using Element = Bf16;
  static constexpr Multiplier kMultiplier = Multiplier::warpgroup;
  static constexpr Form kForm = kFormOfTile;
  static constexpr int kParts = kPartsOfTile;
  static constexpr bool kTakesTurns = kForm == Form::into_rows;
  static constexpr int kM = 128, kN = kTakesTurns ? 128 : 256, kK = 64;
  static constexpr int kStages = kTakesTurns ? 6 : 4;
  static constexpr int kConsumers = 2;  // warpgroups
  static constexpr int kGroupThreads = 128;
  static constexpr int kThreads = kGroupThreads * (1 + kConsumers);
  // A consumer's accumulators: kBlocks of 64 rows by kN columns.
  static constexpr int kGroupM = kTakesTurns ? kM : kM / kConsumers;
  static constexpr int kBlocks = kGroupM / 64;
  static constexpr int kConsumersOfTile = kTakesTurns ? 1 : kConsumers;
  // into_units gathers A, into_weights gathers B; what is not gathered comes by TMA.
  static constexpr bool kGathersA = kForm == Form::into_units;
  static constexpr bool kGathersB = kForm == Form::into_weights;
  static constexpr bool kGathers = kGathersA || kGathersB;
  // After setmaxnreg, of a loading and of a multiplying thread.
  static constexpr int kLoaderRegisters = 56;
  static constexpr int kConsumerRegisters = 224;
};

template <class Config>
MOESIM_DEVICE_CODE constexpr int element_bytes() {
  return static_cast<int>(sizeof(typename Config::Element));
}
template <class Config>
MOESIM_DEVICE_CODE constexpr int a_bytes() {
  return Config::kM * Config::kK * element_bytes<Config>();
}
template <class Config>
MOESIM_DEVICE_CODE constexpr int stage_bytes() {
  return (Config::kM + Config::kN) * Config::kK * element_bytes<Config>();
}

// Shared memory of a kernel whose stages become its staging when a tile is done. In order: stages,
// the scan's sums, the tiles before each expert.
MOESIM_DEVICE_CODE constexpr int scan_bytes(int experts) {
  return (kScanThreads + experts + 1) * 4;
}
template <class Config>
MOESIM_DEVICE_CODE constexpr int shared_bytes(int experts) {
  return Config::kStages * stage_bytes<Config>() + scan_bytes(experts);
}

// The same where tiles are staged while the next ones load. In order: stages, one slice for each
// consumer, barriers of 8 bytes (a full and an empty one for each stage, one turn for each
// consumer), the scan's.
template <class Config>
MOESIM_DEVICE_CODE constexpr int staging_at() {
  return Config::kStages * stage_bytes<Config>();
}
template <class Config>
MOESIM_DEVICE_CODE constexpr int barriers_at() {
  return staging_at<Config>() + Config::kConsumers * kSliceBytes;
}
template <class Config>
MOESIM_DEVICE_CODE constexpr int scan_at() {
  return barriers_at<Config>() + (2 * Config::kStages + Config::kConsumers) * 8;
}
template <class Config>
MOESIM_DEVICE_CODE constexpr int warpgroup_shared_bytes(int experts) {
  return scan_at<Config>() + scan_bytes(experts);
}

// Most shared memory of a block, and registers of a multiprocessor (CUDA C++ Programming Guide,
// "Technical Specifications per Compute Capability").
constexpr int kSharedBytesOf86 = 99 * 1024;  // the smallest of 8.0 and later
constexpr int kSharedBytesOf90 = 227 * 1024;
constexpr int kRegisters = 64 * 1024;

// The most experts that a launch takes, whatever the processor.
constexpr int kMostGroupedExperts = 512;

}  // namespace moesim::model::cuda
