// SPDX-License-Identifier: Apache-2.0
// The warpgroups of warpgroup_roles.h on the processor that tests them: a thread for each, so that
// they really wait for each other. Whatever may happen late happens late: chunks arrive when they
// are waited for, boxes when somebody waits for their stage, products read their operands when they
// are waited for; and a stage that its readers gave back is NaN at once.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "model/cuda/gemm/warpgroup_roles.h"
#include "tests/support/host_operations.h"

namespace moesim::model::cuda {

// mbarrier: a phase ends when all have arrived and no announced byte is missing.
class HostBarrier {
 public:
  void start(int count, std::function<void()> at_end = {}) {
    count_ = left_ = count;
    at_end_ = std::move(at_end);
  }
  void arrive() {
    const std::lock_guard lock(mutex_);
    if (left_ == 0) throw std::logic_error("more arrivals than the barrier counts");
    --left_;
    end_phase();
  }
  void announce(int bytes) {
    const std::lock_guard lock(mutex_);
    bytes_ += bytes;
  }
  // A copy that brings so many bytes, some time.
  void add_copy(int bytes, std::function<void()> copy) {
    const std::lock_guard lock(mutex_);
    copies_.emplace_back(bytes, std::move(copy));
    changed_.notify_all();
  }
  // Until the phase of this parity is over; throws when nothing happens for long.
  void wait(int parity) {
    std::unique_lock lock(mutex_);
    while (parity_ == parity) {
      if (!copies_.empty()) {
        for (auto& [bytes, copy] : std::exchange(copies_, {})) {
          copy();
          bytes_ -= bytes;
        }
        end_phase();
      } else if (changed_.wait_for(lock, kLong) == std::cv_status::timeout) {
        throw std::logic_error("warpgroups wait for each other");
      }
    }
  }

 private:
  static constexpr std::chrono::seconds kLong{20};

  void end_phase() {
    if (left_ > 0 || bytes_ != 0) return;
    if (at_end_) at_end_();
    left_ = count_;
    parity_ ^= 1;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> at_end_;
  std::vector<std::pair<int, std::function<void()>>> copies_;
  int count_ = 0;
  int left_ = 0;
  int bytes_ = 0;
  int parity_ = 0;
};

// What the warpgroups of one block share.
template <class Config>
struct HostBlock {
  const GroupedProblem<Bf16>& problem;
  int block;
  int blocks;
  std::vector<char> shared;
  std::vector<int> before;
  std::array<HostBarrier, Config::kStages> full, empty;
  std::array<HostBarrier, Config::kConsumers> turn;

  HostBlock(const GroupedProblem<Bf16>& given, int block_index, int block_count)
      : problem(given),
        block(block_index),
        blocks(block_count),
        shared(warpgroup_shared_bytes<Config>(given.experts), '\xff'),
        before(given.experts + 1) {
    std::array<int, kScanThreads> sums;
    const RowTiles tiles = TileReader<Config>{problem}.tiles();
    for (int i = 0; i < kScanThreads; ++i) sum_run(tiles, i, sums.data());
    for (int i = 0; i < kScanThreads; ++i) write_run(tiles, i, sums.data(), before.data());
    for (HostBarrier& barrier : turn) barrier.start(Config::kGroupThreads);
    for (int stage = 0; stage < Config::kStages; ++stage) {
      full[stage].start(Config::kGathers ? Config::kGroupThreads : 1);
      empty[stage].start(Config::kConsumersOfTile, [this, stage] {
        std::memset(&shared[stage * stage_bytes<Config>()], 0xff, stage_bytes<Config>());
      });
    }
  }

  // As TMA does: lines of 64 elements, zero where the operand ends, chunks swizzled.
  void copy(const StageBox& box) {
    const BoxedOperand<Bf16> operand = boxed_operand<Config>(problem, box.operand);
    if (operand.box_lines != box.lines) throw std::logic_error("a box of another size");
    for (int i = 0; i < box.lines * kBf16PerLine; ++i) {
      const std::int64_t line = box.line + i / kBf16PerLine;
      const std::int64_t column = box.column + i % kBf16PerLine;
      const std::int64_t from = box.expert * operand.expert_stride + line * operand.stride + column;
      Bf16 value{};
      if (line < operand.lines && column < operand.columns) value = operand.data[from];
      std::memcpy(&shared[box.to + swizzled(2 * i, kSwizzleLine)], &value, sizeof value);
    }
  }
};

template <class ConfigOfBlock>
class HostGroup {
 public:
  using Config = ConfigOfBlock;
  using OfBlock = std::array<float[Config::kN / 2], 128>;  // [thread][register]
  using Sums = std::vector<OfBlock>;
  static constexpr int kThreads = Config::kGroupThreads;

  HostGroup(HostBlock<Config>& block, int consumer) : block_(block), consumer_(consumer) {}

  int block() const { return block_.block; }
  int blocks() const { return block_.blocks; }
  const int* before() const { return block_.before.data(); }
  template <class Work>
  void each_thread(Work&& work) const {
    for (int thread = 0; thread < kThreads; ++thread) work(thread);
  }
  template <class Work>
  void each_thread_anew(Work&& work) const {
    each_thread(work);
  }
  template <class Work>
  void leader(Work&& work) const {
    work();
  }

  void wait_full(int stage, int parity) { block_.full[stage].wait(parity); }
  void wait_empty(int stage, int parity) { block_.empty[stage].wait(parity); }
  void arrive_full(int stage) {
    if (unpublished_) throw std::logic_error("the products would not see these chunks");
    block_.full[stage].arrive();
  }
  void arrive_empty(int stage) { block_.empty[stage].arrive(); }

  void wait_turn(int consumer, int parity) { block_.turn[consumer].wait(parity); }
  void give_turn(int consumer) { block_.turn[consumer].arrive(); }

  void load_into(int stage) { loaded_ = stage; }
  void announce(int bytes) { block_.full[loaded_].announce(bytes); }
  void copy(int to, const ChunkSource& source) { copies_.add(&block_.shared[to], source); }
  void copy(const StageBox& box) {
    const int bytes = box.lines * kSwizzleLine;
    block_.full[loaded_].add_copy(bytes, [&block = block_, box] { block.copy(box); });
  }
  void commit() { copies_.commit(); }
  template <int kLeft>
  void wait() {
    if (copies_.wait(kLeft)) unpublished_ = true;
  }
  void publish() { unpublished_ = false; }

  auto& sums_of(Sums& sums, int block, int thread) const { return sums[block][thread]; }
  void clear(Sums& sums) const { sums.assign(Config::kBlocks, OfBlock{}); }
  void settle(Sums& /*sums*/) const {
    if (!products_.empty() || !open_.empty()) throw std::logic_error("products are under way");
  }
  std::uint32_t address(int byte) const { return static_cast<std::uint32_t>(byte); }
  void begin() {}
  void add(Sums& sums, int block, WgmmaDescriptor a, WgmmaDescriptor b) {
    open_.push_back([this, &of = sums[block], a, b] { multiply(of, a, b); });
  }
  void end() { products_.push_back(std::exchange(open_, {})); }
  template <int kLeft>
  void wait_products() {
    for (; products_.size() > kLeft; products_.pop_front()) {
      for (const auto& product : products_.front()) product();
    }
  }

  float* slice() const {
    return reinterpret_cast<float*>(&block_.shared[staging_at<Config>() + consumer_ * kSliceBytes]);
  }
  void barrier() const {}
  template <bool kSums, class Work, class Finish>
  void runs(int count, Work&& work, Finish&& finish) const {
    run_by_eights<kSums>(count, work, finish);
  }

 private:
  // "wgmma.mma_async": 64 x kN sums += 64 x 16 times 16 x kN.
  void multiply(OfBlock& sums, WgmmaDescriptor a, WgmmaDescriptor b) const {
    std::array<std::array<float, 16>, 64> in_a;
    std::array<std::array<float, 16>, Config::kN> in_b;
    for (int k = 0; k < 16; ++k) {
      for (int i = 0; i < 64; ++i) in_a[i][k] = element(a, a_major(Config::kForm), i, k);
      for (int i = 0; i < Config::kN; ++i) in_b[i][k] = element(b, b_major(Config::kForm), i, k);
    }
    for (int i = 0; i < 64 * Config::kN; ++i) {
      const Coordinates at = wgmma_accumulator(i / (Config::kN / 2), i % (Config::kN / 2));
      float& sum = sums[i / (Config::kN / 2)][i % (Config::kN / 2)];
      for (int k = 0; k < 16; ++k) sum = std::fma(in_a[at.row][k], in_b[at.column][k], sum);
    }
  }

  // The canonical layouts with 128-byte swizzle ("Shared memory matrix layout" of wgmma): atoms of
  // 8 lines of 128 bytes, whose chunks change places by address bits 7 to 9.
  float element(WgmmaDescriptor descriptor, Major major, int i, int k) const {
    int at = descriptor.start();
    if (major == Major::k) {
      at += i / 8 * descriptor.stride() + i % 8 * 128 + 2 * k;
    } else {
      at += i / 64 * descriptor.leading() + k / 8 * descriptor.stride() + k % 8 * 128 + i % 64 * 2;
    }
    Bf16 value;
    std::memcpy(&value, &block_.shared[at ^ (at >> 7 & 7) << 4], sizeof value);
    return to_float(value);
  }

  HostBlock<Config>& block_;
  int consumer_;
  int loaded_ = 0;
  bool unpublished_ = false;
  LateCopies copies_;
  std::vector<std::function<void()>> open_;
  std::deque<std::vector<std::function<void()>>> products_;
};

// One block of many: its three warpgroups. Throws what one of them throws.
template <class Config, class Epilogue>
void run_host_warpgroups(const GroupedProblem<Bf16>& problem, const Epilogue& epilogue, int block,
                         int blocks) {
  HostBlock<Config> shared(problem, block, blocks);
  const TileReader<Config> reader{problem};
  std::array<std::exception_ptr, 3> failures;
  const auto run = [&](int role) {
    HostGroup<Config> group(shared, role - 1);
    try {
      if (role == 0) {
        load_tiles(group, reader);
      } else {
        multiply_tiles(group, reader, epilogue, role - 1);
      }
    } catch (...) {
      failures[role] = std::current_exception();
    }
  };
  std::vector<std::thread> roles;
  for (int role = 0; role < 3; ++role) roles.emplace_back(run, role);
  for (std::thread& role : roles) role.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure != nullptr) std::rethrow_exception(failure);
  }
}

}  // namespace moesim::model::cuda
