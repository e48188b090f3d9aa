// SPDX-License-Identifier: Apache-2.0
// The threads of one block of a kernel on the processor: a fiber each, which run until they wait
// for each other. What a device leaves undefined is made to hurt: shared memory begins as NaNs,
// threads that wait for one that never comes are an error, and the order in which they run can be
// turned around, so that a result that depends on it shows.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <vector>

#include "base/check.h"
#include "tests/support/fiber.h"

namespace moesim::testing {

enum class ThreadOrder { forward, backward };

class EmulatedBlock;

// What a kernel sees (model/cuda/device.h, "Thread").
class EmulatedThread {
 public:
  EmulatedThread(EmulatedBlock& owner, int index) : owner_(owner), index_(index) {}

  int block() const;
  int blocks() const;
  int index() const { return index_; }
  int threads() const;
  void* shared() const;
  void sync() const;
  void sync_warp() const { exchange(0); }
  std::uint32_t ballot(bool flag) const;
  std::uint32_t match(int value) const;
  template <class T>
  T shuffle(T value, int lane) const {
    return from_bits<T>(exchange(to_bits(value))[static_cast<std::size_t>(lane)]);
  }
  template <class T>
  T shuffle_down(T value, int delta, int width) const {
    const int lane = index_ % kLanes;
    const int from = lane % width + delta < width ? lane + delta : lane;
    return shuffle(value, from);
  }

 private:
  friend class EmulatedBlock;
  static constexpr int kLanes = 32;
  using Exchanged = std::array<std::uint64_t, kLanes>;

  template <class T>
  static std::uint64_t to_bits(T value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
  }
  template <class T>
  static T from_bits(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof(T));
    return value;
  }
  // The bits that the warp's lanes brought, once all have.
  const Exchanged& exchange(std::uint64_t bits) const;

  EmulatedBlock& owner_;
  int index_;
};

// Runs blocks, one after another.
class EmulatedBlock {
 public:
  explicit EmulatedBlock(ThreadOrder order) : order_(order) {}

  struct Size {
    int block = 0;
    int blocks = 1;
    int threads = 32;
    std::size_t shared_bytes = 0;
  };

  // Calls kernel.run(thread) for each thread of a block. Throws what the kernel throws.
  template <class Kernel>
  void run(const Kernel& kernel, const Size& size) {
    run(
        size,
        [](const void* what, const EmulatedThread& thread) {
          static_cast<const Kernel*>(what)->run(thread);
        },
        &kernel);
  }

 private:
  friend class EmulatedThread;
  using Call = void (*)(const void* kernel, const EmulatedThread& thread);
  enum class State { fresh, ready, waits_for_warp, waits_for_block, done };
  static constexpr int kLanes = 32;

  struct Lane {
    EmulatedBlock* block = nullptr;
    int index = 0;
    State state = State::fresh;
    bool odd = false;  // which of the warp's two exchanges is next
    std::unique_ptr<Fiber> fiber;
  };

  void run(const Size& size, Call call, const void* kernel);
  // Until no lane of the warp can go on; whether one did.
  bool run_warp(int warp);
  void run_lane(Lane& lane);
  void wait(int index, State state);
  bool all_are(int first, int count, State state) const;
  void set_all(int first, int count, State state);
  int in_order(int i, int count) const {
    return order_ == ThreadOrder::forward ? i : count - 1 - i;
  }
  static void work(void* lane);

  ThreadOrder order_;
  Size size_;
  Call call_ = nullptr;
  const void* kernel_ = nullptr;
  std::vector<Lane> lanes_;
  std::vector<std::unique_ptr<Fiber>> idle_;
  std::vector<std::array<EmulatedThread::Exchanged, 2>> exchanged_;  // [warps]
  std::vector<std::max_align_t> shared_;
  std::exception_ptr failure_;
};

}  // namespace moesim::testing
