// SPDX-License-Identifier: Apache-2.0
// The grouped kernel's operations on the processor that tests it: one thread after another, and the
// instructions as the PTX ISA describes them, register by register. Not fast; for tests.
#pragma once

#include <array>
#include <cmath>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include "model/cuda/gemm/grouped_kernel.h"
#include "model/cuda/gemm/stage_products.h"

namespace moesim::model::cuda {

// cp.async: copies that arrive as late as they may.
class LateCopies {
 public:
  void add(char* to, const ChunkSource& source) { pending_.push_back({to, source}); }
  void commit() { groups_.push_back(std::exchange(pending_, {})); }
  // Whether any arrived.
  bool wait(int left) {
    bool any = false;
    for (; static_cast<int>(groups_.size()) > left; groups_.pop_front()) {
      for (const Copy& copy : groups_.front()) {
        std::memset(copy.to, 0, kChunkBytes);
        std::memcpy(copy.to, copy.source.from, copy.source.bytes);
        any = true;
      }
    }
    return any;
  }

 private:
  struct Copy {
    char* to;
    ChunkSource source;
  };

  std::vector<Copy> pending_;
  std::deque<std::vector<Copy>> groups_;
};

// work(i) for i < count; sums of eight neighbours each as a tree, as lanes add them.
template <bool kSums, class Work, class Finish>
void run_by_eights(int count, Work&& work, Finish&& finish) {
  for (int first = 0; first < count; first += 8) {
    std::array<float, 8> sums;
    for (int i = 0; i < 8; ++i) sums[i] = work(first + i);
    if (!kSums) continue;
    for (int apart = 4; apart > 0; apart /= 2) {
      for (int i = 0; i < apart; ++i) sums[i] += sums[i + apart];
    }
    finish(first / 8, sums[0]);
  }
}

// A warp: what each instruction does to the registers of all lanes.
class HostLanes {
 public:
  using Registers = std::array<std::array<std::uint32_t, 4>, 32>;  // [lane][register]
  using Sums = std::array<std::array<float, 4>, 32>;

  explicit HostLanes(const char* shared) : shared_(shared) {}

  // "ldmatrix": of matrix i, whose 8 lines of 16 bytes lanes 8i to 8i+7 name, lane l gets elements
  // 2 (l % 4) and on of line l / 4; transposed, element l / 4 of lines 2 (l % 4) and on.
  template <class At>
  void load(Registers& registers, At&& at, bool transposed) const {
    for (int matrix = 0; matrix < 4; ++matrix) {
      std::uint16_t lines[8][8];
      for (int line = 0; line < 8; ++line) {
        std::memcpy(lines[line], shared_ + at(matrix * 8 + line), sizeof lines[line]);
      }
      for (int lane = 0; lane < 32; ++lane) {
        const int i = lane / 4;
        const int j = lane % 4 * 2;
        const std::uint32_t low = transposed ? lines[j][i] : lines[i][j];
        const std::uint32_t high = transposed ? lines[j + 1][i] : lines[i][j + 1];
        registers[lane][matrix] = low | high << 16;
      }
    }
  }

  // "mma.m16n8k16" with bf16: lane l has A's rows l / 4 and l / 4 + 8, k's 2 (l % 4) and on and
  // those + 8; B's column l / 4 with the same k's; the sums' rows as A's, columns 2 (l % 4) and on.
  void multiply(Sums& sums, const Registers& a, const Registers& b, int half) const {
    for (int row = 0; row < 16; ++row) {
      for (int column = 0; column < 8; ++column) {
        float& sum = sums[row % 8 * 4 + column / 2][row / 8 * 2 + column % 2];
        for (int k = 0; k < 16; ++k) {
          const std::uint32_t in_a = a[row % 8 * 4 + k % 8 / 2][row / 8 + k / 8 * 2];
          const std::uint32_t in_b = b[column * 4 + k % 8 / 2][2 * half + k / 8];
          sum = std::fma(element(in_a, k), element(in_b, k), sum);
        }
      }
    }
  }

 private:
  static float element(std::uint32_t pair, int k) {
    return to_float(Bf16{static_cast<std::uint16_t>(k % 2 == 0 ? pair : pair >> 16)});
  }

  const char* shared_;
};

// The accumulators of all of a block's threads, each where the fragment maps place it.
template <class Config, Multiplier = Config::kMultiplier>
class HostSums;

template <class Config>
class HostSums<Config, Multiplier::warp> {
 public:
  static constexpr int kRowTiles = Config::kWarpM / 16;
  static constexpr int kColumnTiles = Config::kWarpN / 8;

  void multiply(const char* shared, int a, int b, int /*count_k*/) {
    HostLanes lanes(shared);
    for (int warp = 0; warp < kWarps; ++warp) {
      multiply_warp<Config>(lanes, warp, sums_[warp], a, b);
    }
  }

  template <class Visit>
  void visit(Visit&& visit) {
    for (int i = 0; i < kWarps * kRowTiles * kColumnTiles * 64; ++i) {
      const int r = i % 2 * 2;
      const int lane = i / 2 % 32;
      const int column_tile = i / 64 % kColumnTiles;
      const int row_tile = i / (64 * kColumnTiles) % kRowTiles;
      const int warp = i / (64 * kColumnTiles * kRowTiles);
      const Coordinates corner = warp_corner<Config>(warp);
      const Coordinates at = mma_accumulator(lane, r);
      auto& of_lane = sums_[warp][row_tile][column_tile][lane];
      visit(corner.row + 16 * row_tile + at.row, corner.column + 8 * column_tile + at.column,
            of_lane[r], of_lane[r + 1]);
    }
  }

 private:
  static constexpr int kWarps = Config::kThreads / 32;

  using OfWarp = std::array<std::array<HostLanes::Sums, kColumnTiles>, kRowTiles>;
  std::vector<OfWarp> sums_{kWarps};
};

template <class Config>
class HostSums<Config, Multiplier::thread> {
 public:
  void multiply(const char* shared, int a, int b, int count_k) {
    for (int thread = 0; thread < Config::kThreads; ++thread) {
      multiply_thread<Config>(shared + a, shared + b, thread, sums_[thread].of, count_k);
    }
  }

  template <class Visit>
  void visit(Visit&& visit) {
    for (int thread = 0; thread < Config::kThreads; ++thread) {
      const Coordinates corner = thread_corner<Config>(thread);
      for (int i = 0; i < Config::kThreadM * Config::kThreadN; i += 2) {
        float* const pair = &sums_[thread].of[i / Config::kThreadN][i % Config::kThreadN];
        visit(corner.row + i / Config::kThreadN, corner.column + i % Config::kThreadN, pair[0],
              pair[1]);
      }
    }
  }

 private:
  struct OfThread {
    float of[Config::kThreadM][Config::kThreadN];
  };
  std::vector<OfThread> sums_{Config::kThreads};
};

// One block of many. Shared memory begins as NaN in every element, and copies arrive as late as
// they may.
template <class ConfigOfBlock>
class HostOperations {
 public:
  using Config = ConfigOfBlock;
  using Element = typename Config::Element;
  using Accumulators = HostSums<Config>;
  static constexpr int kThreads = Config::kThreads;

  HostOperations(int experts, int block, int blocks)
      : shared_(shared_bytes<Config>(experts), '\xff'), block_(block), blocks_(blocks) {}

  int block() const { return block_; }
  int blocks() const { return blocks_; }
  char* shared() { return shared_.data(); }

  template <class Work>
  void each_thread(Work&& work) {
    for (int thread = 0; thread < kThreads; ++thread) work(thread);
  }

  void copy(int to, const ChunkSource& source) { copies_.add(shared() + to, source); }
  void commit() { copies_.commit(); }
  template <int kLeft>
  void wait() {
    copies_.wait(kLeft);
  }
  void barrier() {}

  void multiply(Accumulators& accumulators, int a, int b, int count_k) {
    accumulators.multiply(shared(), a, b, count_k);
  }
  template <class Visit>
  void visit(Accumulators& accumulators, Visit&& visit) {
    accumulators.visit(visit);
  }

  template <bool kSums, class Work, class Finish>
  void runs(int count, Work&& work, Finish&& finish) {
    run_by_eights<kSums>(count, work, finish);
  }

 private:
  std::vector<char> shared_;
  LateCopies copies_;
  int block_;
  int blocks_;
};

}  // namespace moesim::model::cuda
