// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/check.h"

namespace moesim::base {
namespace {

// A thread looks for work, or for the end of the others' work, this many times before it sleeps:
// some tens of microseconds, longer than the gap between two parts of a layer and than a wake-up.
constexpr int kSpins = 1000;
constexpr std::size_t kCacheLine = 64;

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Waits until `value` differs from `old`: briefly awake, then asleep.
template <class T>
void wait_for_change(const std::atomic<T>& value, T old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

// A job's pieces are handed out by counting `untaken` down. A thread owns a piece once its
// compare-and-swap succeeds on a positive count; from then until `unfinished` counts that piece the
// job cannot end, so `work` and `count` stay what they are. A thread that comes late to a job finds
// nothing left, or a piece of the next job, and both are fine.
struct ThreadPool::State {
  alignas(kCacheLine) std::atomic<int> untaken{0};
  alignas(kCacheLine) std::atomic<int> unfinished{0};
  alignas(kCacheLine) std::atomic<std::uint32_t> jobs{0};  // started so far; the end counts as one
  std::atomic<bool> ends{false};
  std::atomic<bool> runs{false};
  const std::function<void(int)>* work = nullptr;
  int count = 0;

  std::mutex failure_mutex;
  int failed_piece = 0;
  std::exception_ptr failure;
  std::vector<std::thread> others;

  void take_pieces();
  void run_piece(int piece);
  void serve();
  void announce();
};

void ThreadPool::State::run_piece(int piece) {
  int finished = 1;
  try {
    (*work)(piece);
  } catch (...) {
    const std::lock_guard lock(failure_mutex);
    if (!failure || piece < failed_piece) {
      failed_piece = piece;
      failure = std::current_exception();
    }
    // Nobody takes another piece. All lower ones are taken already, so the lowest failure is known.
    finished += untaken.exchange(0, std::memory_order_acq_rel);
  }
  if (unfinished.fetch_sub(finished, std::memory_order_acq_rel) == finished) {
    unfinished.notify_one();
  }
}

void ThreadPool::State::take_pieces() {
  int left = untaken.load(std::memory_order_relaxed);
  while (left > 0) {
    if (untaken.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) {
      run_piece(count - left);
      left = untaken.load(std::memory_order_relaxed);
    }
  }
}

void ThreadPool::State::serve() {
  std::uint32_t seen = 0;
  while (!ends.load(std::memory_order_acquire)) {
    wait_for_change(jobs, seen);
    seen = jobs.load(std::memory_order_acquire);
    take_pieces();
  }
}

void ThreadPool::State::announce() {
  jobs.fetch_add(1, std::memory_order_acq_rel);
  jobs.notify_all();
}

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  CHECK(threads >= 1, "the calling thread is one of the pool's");
  try {
    for (int i = 1; i < threads; ++i)
      state_->others.emplace_back([state = state_.get()] { state->serve(); });
  } catch (const std::system_error&) {
    // The system has no more threads; those there are do all the work.
  }
}

ThreadPool::~ThreadPool() {
  state_->ends.store(true, std::memory_order_release);
  state_->announce();
  for (std::thread& other : state_->others) other.join();
}

int ThreadPool::size() const { return static_cast<int>(state_->others.size()) + 1; }

void ThreadPool::run(int count, const std::function<void(int)>& work) {
  State& state = *state_;
  if (count <= 0) return;
  CHECK(!state.runs.exchange(true), "a pool runs one job at a time, and none inside another");
  state.work = &work;
  state.count = count;
  state.failure = nullptr;
  state.unfinished.store(count, std::memory_order_relaxed);
  state.untaken.store(count, std::memory_order_release);
  if (count > 1 && !state.others.empty()) state.announce();
  state.take_pieces();
  for (int left = state.unfinished.load(std::memory_order_acquire); left > 0;
       left = state.unfinished.load(std::memory_order_acquire)) {
    wait_for_change(state.unfinished, left);
  }
  state.runs.store(false);
  if (state.failure) std::rethrow_exception(state.failure);
}

}  // namespace moesim::base
