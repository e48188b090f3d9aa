// SPDX-License-Identifier: Apache-2.0
// A function with a stack of its own that can be left in the middle and taken up again. On x86-64 a
// change of stacks is a dozen instructions; elsewhere it is swapcontext, which asks the system.
#pragma once

#include <cstddef>
#include <memory>

namespace moesim::testing {

class Fiber {
 public:
  // Runs work(argument) at the first resume(). The function must not throw.
  using Work = void (*)(void* argument);

  explicit Fiber(std::size_t stack_bytes = std::size_t{64} << 10);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Gives an idle fiber its work. A fiber is idle before its first and after its last line.
  void begin(Work work, void* argument);
  // Runs until the work leaves or ends; false when it has ended.
  bool resume();
  // Of the running work: back to who resumed it.
  void leave();

 private:
  struct Stacks;
  static void run(Stacks* stacks);

  std::unique_ptr<Stacks> stacks_;
};

}  // namespace moesim::testing
