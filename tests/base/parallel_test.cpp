// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace moesim::base {
namespace {

TEST(ParallelFor, CallsEveryPieceOnceWhateverTheThreads) {
  for (const int threads : {1, 2, 7, 100}) {
    std::vector<int> calls(50, 0);
    parallel_for(50, threads, [&](int piece) { ++calls[piece]; });
    EXPECT_EQ(calls, std::vector<int>(50, 1)) << threads << " threads";
  }
}

TEST(ParallelFor, NoPiecesMeansNoCalls) {
  parallel_for(0, 4, [](int) { FAIL() << "called"; });
}

// Pieces are taken in order, so all below a failing one run: the lowest failure is piece 3's,
// however the threads race.
TEST(ParallelFor, RethrowsTheLowestFailure) {
  for (int round = 0; round < 20; ++round) {
    try {
      parallel_for(40, 4, [](int piece) {
        if (piece >= 3) throw std::runtime_error(std::to_string(piece));
      });
      FAIL() << "no exception";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "3");
    }
  }
}

// A plain counter a thread: ThreadSanitizer, and most runs without it, would tell of two pieces of
// one thread that run side by side.
TEST(ParallelForByThread, PiecesOfOneThreadShareWhatIsItsOwn) {
  for (const int threads : {1, 2, 5}) {
    std::vector<int> calls(threads, 0);
    std::vector<int> thread_of(5000, -1);
    parallel_for_by_thread(5000, threads, [&](int piece, int thread) {
      ++calls.at(thread);
      thread_of[piece] = thread;
    });
    for (int thread = 0; thread < threads; ++thread) {
      EXPECT_EQ(calls[thread], std::count(thread_of.begin(), thread_of.end(), thread));
    }
    EXPECT_EQ(std::accumulate(calls.begin(), calls.end(), 0), 5000) << threads << " threads";
  }
}

TEST(NumberOfCores, IsAtLeastOne) { EXPECT_GE(number_of_cores(), 1); }

}  // namespace
}  // namespace moesim::base
