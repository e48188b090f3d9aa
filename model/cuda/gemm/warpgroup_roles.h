// SPDX-License-Identifier: Apache-2.0
// The grouped product by warpgroups: one of a persistent block loads stages, two multiply, either
// both the same tile or tiles in turn, so that one finishes its tile while the other multiplies.
// Here is who waits for whom; what a stage holds and what becomes of sums is that of
// grouped_kernel.h. The same source runs on a device (warpgroup_kernel.h) and, a thread for each
// warpgroup, on the processor that tests it (tests/support/host_warpgroups.h).
//
// Each stage has two barriers, whose phases are counted by parity. `full`: its bytes are there;
// where chunks are gathered, each loading thread waits for its own, publishes them to the products
// (they were written by other means than TMA's) and arrives. `empty`: those who multiply are done
// with it.
//
// A Group is a warpgroup:
//   block(), blocks()                     // which one of how many
//   before()                              // the tiles before each expert (tile_walk.h)
//   each_thread(f), each_thread_anew(f)   // f(thread) for all 128; the second asks anew
//   leader(f)                             // f() for the first thread
//   wait_full(stage, parity), wait_empty(stage, parity)
//   arrive_full(stage), arrive_empty(stage)  // one arrival
// of one that loads
//   load_into(stage), announce(bytes)     // where boxes arrive, and how many bytes of them
//   copy(to, chunk), copy(box), commit(), wait<n>()  // as of grouped_kernel.h's Operations
//   publish()                             // chunks that are there, to the products
// of one that multiplies
//   Sums, sums_of(sums, block, thread)    // accumulators; a thread's of 64 rows, [kN / 2]
//   clear(sums), settle(sums)             // to zero; nothing touches them across this place
//   address(byte)                         // of shared memory, as descriptors have it
//   begin(), add(sums, block, a, b), end(), wait_products<n>()  // wgmma, of 64 rows each
//   slice(), barrier(), runs<sums>(count, f, finish)  // staging; as of Operations
#pragma once

#include "model/cuda/gemm/grouped_kernel.h"

namespace moesim::model::cuda {

// Which stage is next, and how often the stages have gone around.
template <class Config>
struct StageRing {
  int stage = 0;
  int parity = 0;

  MOESIM_DEVICE_CODE void go_on() {
    if (++stage == Config::kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
  // Past the stages of a tile that others multiply.
  MOESIM_DEVICE_CODE void skip(int stages) {
    stage += stages;
    parity ^= stage / Config::kStages & 1;
    stage %= Config::kStages;
  }
};

// The stages that have been sent for, said to be full in their order. Gathered chunks are sure to
// be there when kUnderWay more stages have been sent for.
template <class Config, class Group>
struct StageArrivals {
  static constexpr int kUnderWay = 2;
  static_assert(!Config::kGathers || kUnderWay < Config::kStages, "else all wait for each other");

  Group& group;
  StageRing<Config> ring;
  int under_way = 0;

  MOESIM_KERNEL_CODE void arrive() {
    group.publish();
    group.each_thread([&](int /*thread*/) { group.arrive_full(ring.stage); });
    ring.go_on();
    --under_way;
  }
  // One more stage has been sent for.
  MOESIM_KERNEL_CODE void add() {
    if constexpr (Config::kGathers) {
      group.commit();
      if (++under_way <= kUnderWay) return;
      group.template wait<kUnderWay>();
      arrive();
    } else {
      group.leader([&] { group.arrive_full(ring.stage); });
      ring.go_on();
    }
  }
  MOESIM_KERNEL_CODE void finish() {
    if constexpr (Config::kGathers) group.template wait<0>();
    while (under_way > 0) arrive();
  }
};

template <class Config, class Group>
MOESIM_KERNEL_CODE void load_tiles(Group& group, const TileReader<Config>& reader) {
  StageRing<Config> ring;
  StageArrivals<Config, Group> arrivals{group, {}};
  for (int index = group.block(); index < group.before()[reader.problem.experts];
       index += group.blocks()) {
    const Tile tile = reader.tile(group.before(), index);
    for (int k_block = 0; k_block < tile.k_blocks; ++k_block) {
      const Stage<Config> stage{reader, tile, k_block};
      const int at = ring.stage * stage_bytes<Config>();
      group.wait_empty(ring.stage, ring.parity ^ 1);
      group.load_into(ring.stage);
      group.leader([&] {
        if (stage.bytes() > 0) group.announce(stage.bytes());
      });
      group.each_thread([&](int thread) {
        load_a(group, thread, stage, at);
        load_b(group, thread, stage, at + a_bytes<Config>());
      });
      ring.go_on();
      arrivals.add();
    }
  }
  arrivals.finish();
}

// One of the two that multiply, and the stage that it reads next.
template <class Config>
struct TileConsumer {
  int index;
  StageRing<Config> ring;

  // Of the tile's blocks of 64 rows, the first of its own.
  MOESIM_DEVICE_CODE int first_block() const {
    return Config::kTakesTurns ? 0 : index * Config::kBlocks;
  }
};

// The tile's products. Of two stages that follow each other the products are under way at the same
// time. `sent()` is called when the last are under way.
template <class Config, class Group, class Sent>
MOESIM_KERNEL_CODE void multiply_tile(Group& group, const Tile& tile, TileConsumer<Config>& self,
                                      typename Group::Sums& sums, Sent&& sent) {
  StageRing<Config>& ring = self.ring;
  constexpr OperandLayout kA = TileReader<Config>::a_layout();
  constexpr OperandLayout kB = TileReader<Config>::b_layout();
  int done = ring.stage;
  group.settle(sums);
  for (int k_block = 0; k_block < tile.k_blocks; ++k_block) {
    group.wait_full(ring.stage, ring.parity);
    const std::uint32_t at = group.address(ring.stage * stage_bytes<Config>());
    group.begin();
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
    for (int step = 0; step < Config::kK / 16; ++step) {
      const WgmmaDescriptor in_b = wgmma_descriptor(kB, at + a_bytes<Config>(), 0, step);
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
      for (int i = 0; i < Config::kBlocks; ++i) {
        group.add(sums, i, wgmma_descriptor(kA, at, 64 * (self.first_block() + i), step), in_b);
      }
    }
    group.end();
    group.template wait_products<1>();
    if (k_block > 0) group.leader([&] { group.arrive_empty(done); });
    done = ring.stage;
    ring.go_on();
  }
  sent();
  group.template wait_products<0>();
  if (tile.k_blocks > 0) group.leader([&] { group.arrive_empty(done); });
  group.settle(sums);
}

// Of slice `slice` of 64 rows' accumulators, group q (0 to 7) of 8 columns: registers
// [4 g, 4 g + 4) of g = the group's place among all.
template <class Config>
MOESIM_DEVICE_CODE constexpr int register_group(int slice, int q) {
  constexpr int kGroups = kSliceFloats / Config::kParts / 8;  // of one part
  return q / kGroups * (Config::kN / Config::kParts / 8) + slice * kGroups + q % kGroups;
}

// Stages 64 rows by 64 columns of block `block`'s sums after the other, from kSlice on, in the
// warpgroup's own slice, and lets the epilogue have them. Registers need constant numbers: hence a
// template.
template <class Config, class Group, class Epilogue, int kSlice = 0>
MOESIM_KERNEL_CODE void finish_block(Group& group, const TileFinish<Config, Epilogue>& finish,
                                     typename Group::Sums& sums, int block, int first_row) {
  using Finish = TileFinish<Config, Epilogue>;
  constexpr int kChunks = Finish::kChunksPerRow;
  group.each_thread_anew([&](int thread) {
    const auto& of_thread = group.sums_of(sums, block, thread);
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
    for (int i = 0; i < kSliceFloats / 4; ++i) {
      const int r = 4 * register_group<Config>(kSlice, i / 2) + i % 2 * 2;
      const Coordinates at = wgmma_accumulator(thread, r);
      const int to = staged_float(at.row, Finish::staging().place(at.column));
      reinterpret_cast<StagedPair*>(group.slice())[to / 2] = {of_thread[r], of_thread[r + 1]};
    }
  });
  group.barrier();
  group.template runs<Epilogue::kSumsRows>(
      kSliceRows * kChunks,
      [&](int i) {
        return finish.finish(group.slice(), first_row + i / kChunks, kSlice, i % kChunks);
      },
      [&](int row, float sum) { finish.finish_row(first_row + row, kSlice, sum); });
  group.barrier();
  if constexpr (kSlice + 1 < Config::kN / kSliceFloats) {
    finish_block<Config, Group, Epilogue, kSlice + 1>(group, finish, sums, block, first_row);
  }
}

// `consumer` is 0 or 1.
template <class Config, class Group, class Epilogue>
MOESIM_KERNEL_CODE void multiply_tiles(Group& group, const TileReader<Config>& reader,
                                       const Epilogue& epilogue, int consumer) {
  TileConsumer<Config> self{consumer, {}};
  int turn = 0;
  for (int index = group.block(); index < group.before()[reader.problem.experts];
       index += group.blocks()) {
    const Tile tile = reader.tile(group.before(), index);
    const int round = turn / Config::kConsumers;
    if (Config::kTakesTurns && turn++ % Config::kConsumers != consumer) {
      self.ring.skip(tile.k_blocks);
      continue;
    }
    const TileFinish<Config, Epilogue> finish{reader.problem, epilogue, tile};
    typename Group::Sums sums;
    group.clear(sums);
    // The first waits for the other's round before: in the first round that is over.
    if (Config::kTakesTurns) group.wait_turn(consumer, (round & 1) ^ (consumer == 0 ? 1 : 0));
    multiply_tile(group, tile, self, sums, [&] {
      // By every thread: where a tile has one stage, none of this round's products was waited for,
      // and a warp that lags must have its turn before a later one begins.
      if (Config::kTakesTurns) group.each_thread([&](int) { group.give_turn(1 - consumer); });
    });
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
    for (int i = 0; i < Config::kBlocks; ++i) {
      finish_block<Config>(group, finish, sums, i, 64 * (self.first_block() + i));
    }
  }
}

}  // namespace moesim::model::cuda
