// SPDX-License-Identifier: Apache-2.0
// Threads that stay, for work that is cut into many short parallel parts.
#pragma once

#include <functional>
#include <memory>

namespace moesim::base {

class ThreadPool {
 public:
  // `threads` >= 1, the calling one included: a pool of 1 starts no thread. Where the system has no
  // more threads, those there are do all the work.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Threads that work, the caller among them.
  int size() const;

  // Calls work(i) once for every i in [0, count), in no particular order, and returns when all are
  // done; each piece must write only what is its own, so that the result is the same for any number
  // of threads. The exception of the lowest failing piece is rethrown. One caller at a time; `work`
  // must not call run() of the same pool. Not usable in a forked child.
  void run(int count, const std::function<void(int)>& work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moesim::base
