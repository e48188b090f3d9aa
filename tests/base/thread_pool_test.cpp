// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"

namespace moesim::base {
namespace {

TEST(ThreadPool, CallsEachPieceOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (const int count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> calls(count);
      pool.run(count, [&](int piece) { ++calls[piece]; });
      for (const std::atomic<int>& call : calls) EXPECT_EQ(call, 1);
    }
  }
}

// Jobs so short that threads come late to one, or to the next one's pieces. Every job writes its
// own number; a piece that another job's work reached would show it.
TEST(ThreadPool, KeepsManyShortJobsApart) {
  ThreadPool pool(4);
  std::vector<int> written(16, -1);
  for (int job = 0; job < 5000; ++job) {
    const int count = 1 + job % 16;
    pool.run(count, [&written, job](int piece) { written[piece] = job; });
    for (int piece = 0; piece < count; ++piece) ASSERT_EQ(written[piece], job);
  }
}

// Two pieces that wait for each other end only when two threads run them.
TEST(ThreadPool, RunsPiecesAtTheSameTime) {
  ThreadPool pool(2);
  for (int job = 0; job < 20; ++job) {
    std::atomic<int> arrived{0};
    pool.run(2, [&](int) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
    });
    EXPECT_EQ(arrived, 2);
  }
}

// After a pause the threads sleep; the next job must wake them.
TEST(ThreadPool, WakesItsThreads) {
  ThreadPool pool(2);
  for (int job = 0; job < 3; ++job) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> arrived{0};
    pool.run(2, [&](int) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
    });
  }
}

// Pieces 3 and 5 of 6 fail. Pieces are taken in order, so that 3 is always among the failures; 5
// fails too where another thread took it in time.
TEST(ThreadPool, RethrowsTheLowestFailure) {
  for (const int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (int repeat = 0; repeat < 100; ++repeat) {
      try {
        pool.run(6, [](int piece) {
          if (piece == 3 || piece == 5) throw std::runtime_error(std::to_string(piece));
        });
        FAIL() << "no exception";
      } catch (const std::runtime_error& error) {
        EXPECT_EQ(std::string(error.what()), "3");
      }
    }
    int calls = 0;
    pool.run(1, [&](int) { ++calls; });
    EXPECT_EQ(calls, 1) << "the pool works on after a failure";
  }
}

TEST(ThreadPool, RefusesAJobInsideAJob) {
  for (const int threads : {1, 2}) {
    ThreadPool pool(threads);
    EXPECT_THROW(pool.run(2, [&](int) { pool.run(1, [](int) {}); }), InvariantViolation);
  }
}

TEST(ThreadPool, NeedsAThread) { EXPECT_THROW(ThreadPool pool(0), InvariantViolation); }

TEST(ThreadPool, EndsWithoutHavingWorked) {
  for (int repeat = 0; repeat < 20; ++repeat) const ThreadPool pool(4);
}

}  // namespace
}  // namespace moesim::base
