// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace moesim::base {

int number_of_cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

void parallel_for(int count, int threads, const std::function<void(int)>& work) {
  parallel_for_by_thread(count, threads, [&work](int i, int) { work(i); });
}

void parallel_for_by_thread(int count, int threads, const std::function<void(int, int)>& work) {
  std::atomic<int> next{0};
  std::mutex failure_mutex;
  int failed_piece = count;
  std::exception_ptr failure;
  const auto take_pieces = [&](int thread) {
    for (int piece = next++; piece < count; piece = next++) {
      try {
        work(piece, thread);
      } catch (...) {
        const std::lock_guard lock(failure_mutex);
        if (piece < failed_piece) {
          failed_piece = piece;
          failure = std::current_exception();
        }
        next = count;  // nobody takes another piece
      }
    }
  };
  std::vector<std::thread> others;
  try {
    for (int i = 1; i < std::min(threads, count); ++i) others.emplace_back(take_pieces, i);
  } catch (const std::system_error&) {
    // The system has no more threads; those there are do all the work.
  }
  take_pieces(0);
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace moesim::base
