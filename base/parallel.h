// SPDX-License-Identifier: Apache-2.0
// Independent pieces of work on several threads.
#pragma once

#include <functional>

namespace moesim::base {

// Those of the machine, at least 1.
int number_of_cores();

// Calls work(i) once for every i in [0, count) on up to `threads` threads, in no particular order;
// each piece must write only what is its own, so that the result is the same for any number of
// threads. The exception of the lowest failing piece is rethrown after all threads have stopped.
void parallel_for(int count, int threads, const std::function<void(int)>& work);

// As parallel_for, but calls work(i, thread): pieces with the same `thread` in [0, threads) run one
// after another, so that they may share what is that thread's alone.
void parallel_for_by_thread(int count, int threads, const std::function<void(int, int)>& work);

}  // namespace moesim::base
