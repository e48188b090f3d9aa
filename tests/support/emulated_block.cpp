// SPDX-License-Identifier: Apache-2.0
#include "tests/support/emulated_block.h"

#include <algorithm>
#include <utility>

namespace moesim::testing {

int EmulatedThread::block() const { return owner_.size_.block; }
int EmulatedThread::blocks() const { return owner_.size_.blocks; }
int EmulatedThread::threads() const { return owner_.size_.threads; }
void* EmulatedThread::shared() const { return owner_.shared_.data(); }

void EmulatedThread::sync() const { owner_.wait(index_, EmulatedBlock::State::waits_for_block); }

// Of two exchanges in a row the second has places of its own; nobody gets to a third before all
// lanes are done with reading the first.
const EmulatedThread::Exchanged& EmulatedThread::exchange(std::uint64_t bits) const {
  EmulatedBlock::Lane& lane = owner_.lanes_[static_cast<std::size_t>(index_)];
  auto& of_warp = owner_.exchanged_[static_cast<std::size_t>(index_ / kLanes)];
  Exchanged& exchanged = of_warp[lane.odd ? 1 : 0];
  lane.odd = !lane.odd;
  exchanged[static_cast<std::size_t>(index_ % kLanes)] = bits;
  owner_.wait(index_, EmulatedBlock::State::waits_for_warp);
  return exchanged;
}

std::uint32_t EmulatedThread::ballot(bool flag) const {
  const Exchanged& flags = exchange(flag ? 1 : 0);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < flags.size(); ++i) bits |= static_cast<std::uint32_t>(flags[i]) << i;
  return bits;
}

std::uint32_t EmulatedThread::match(int value) const {
  const std::uint64_t mine = to_bits(value);
  const Exchanged& values = exchange(mine);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < values.size(); ++i) bits |= (values[i] == mine ? 1U : 0U) << i;
  return bits;
}

void EmulatedBlock::run(const Size& size, Call call, const void* kernel) {
  CHECK(size.threads > 0 && size.threads % kLanes == 0, "a block is of whole warps");
  CHECK(size.shared_bytes <= std::size_t{48} << 10, "a block has 48 KiB of shared memory");
  size_ = size;
  call_ = call;
  kernel_ = kernel;
  failure_ = nullptr;
  lanes_.resize(static_cast<std::size_t>(size.threads));
  exchanged_.resize(static_cast<std::size_t>(size.threads / kLanes));
  shared_.resize(size.shared_bytes / sizeof(std::max_align_t) + 1);
  std::memset(shared_.data(), 0xff, shared_.size() * sizeof(std::max_align_t));
  for (int i = 0; i < size.threads; ++i) {
    Lane& lane = lanes_[static_cast<std::size_t>(i)];
    lane.block = this;
    lane.index = i;
    lane.state = State::fresh;
  }
  const int warps = size.threads / kLanes;
  while (!all_are(0, size.threads, State::done)) {
    bool goes_on = false;
    for (int w = 0; w < warps; ++w) goes_on |= run_warp(in_order(w, warps));
    if (all_are(0, size.threads, State::waits_for_block)) {
      set_all(0, size.threads, State::ready);
    } else if (!goes_on) {
      CHECK(failure_ != nullptr, "no thread waits for one that waits elsewhere or has returned");
      break;
    }
  }
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

bool EmulatedBlock::run_warp(int warp) {
  const int first = warp * kLanes;
  bool went_on = false;
  for (;;) {
    bool goes_on = false;
    for (int i = 0; i < kLanes; ++i) {
      Lane& lane = lanes_[static_cast<std::size_t>(first + in_order(i, kLanes))];
      if (lane.state != State::fresh && lane.state != State::ready) continue;
      run_lane(lane);
      goes_on = true;
    }
    if (all_are(first, kLanes, State::waits_for_warp)) set_all(first, kLanes, State::ready);
    if (!goes_on) return went_on;
    went_on = true;
  }
}

void EmulatedBlock::run_lane(Lane& lane) {
  if (lane.state == State::fresh) {
    if (idle_.empty()) idle_.push_back(std::make_unique<Fiber>());
    lane.fiber = std::move(idle_.back());
    idle_.pop_back();
    lane.fiber->begin(&work, &lane);
  }
  if (lane.fiber->resume()) return;
  lane.state = State::done;
  idle_.push_back(std::move(lane.fiber));
}

void EmulatedBlock::work(void* argument) {
  const Lane& lane = *static_cast<const Lane*>(argument);
  try {
    lane.block->call_(lane.block->kernel_, EmulatedThread(*lane.block, lane.index));
  } catch (...) {
    lane.block->failure_ = std::current_exception();
  }
}

void EmulatedBlock::wait(int index, State state) {
  Lane& lane = lanes_[static_cast<std::size_t>(index)];
  lane.state = state;
  lane.fiber->leave();
}

bool EmulatedBlock::all_are(int first, int count, State state) const {
  const auto begin = lanes_.begin() + first;
  return std::all_of(begin, begin + count,
                     [state](const Lane& lane) { return lane.state == state; });
}

void EmulatedBlock::set_all(int first, int count, State state) {
  for (int i = 0; i < count; ++i) lanes_[static_cast<std::size_t>(first + i)].state = state;
}

}  // namespace moesim::testing
