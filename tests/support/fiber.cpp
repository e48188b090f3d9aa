// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fiber.h"

#include <ucontext.h>

#include <cstdint>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace moesim::testing {
namespace {

// Tells AddressSanitizer which stack is next, and where the last one was.
class StackChange {
 public:
  void announce([[maybe_unused]] const void* bottom, [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fake_stack_, bottom, size);
#endif
  }
  void arrived([[maybe_unused]] const void** bottom, [[maybe_unused]] std::size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_stack_, bottom, size);
#endif
  }

 private:
  [[maybe_unused]] void* fake_stack_ = nullptr;
};

}  // namespace
}  // namespace moesim::testing

#if defined(__x86_64__)
// Keeps what a function must keep on the running stack, notes where that is, and goes on with
// another stack that was left here.
asm(R"(
.text
.type moesim_change_stack, @function
moesim_change_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size moesim_change_stack, .-moesim_change_stack
)");
extern "C" void moesim_change_stack(void** left, void* next) asm("moesim_change_stack");
#endif

namespace moesim::testing {

struct Fiber::Stacks {
  std::unique_ptr<std::byte[]> memory;
  std::size_t bytes = 0;
  Work work = nullptr;
  void* argument = nullptr;
  bool runs = false;
  StackChange of_fiber;
  StackChange of_caller;
  const void* caller_bottom = nullptr;
  std::size_t caller_bytes = 0;
#if defined(__x86_64__)
  void* fiber = nullptr;
  void* caller = nullptr;

  void prepare() {
    // An aligned stack that looks left: six registers, the address to go on at, and a place where
    // the address of that function's caller would be.
    auto top = reinterpret_cast<std::uintptr_t>(memory.get() + bytes) & ~std::uintptr_t{15};
    auto** place = reinterpret_cast<void**>(top) - 8;
    for (int i = 0; i < 8; ++i) place[i] = nullptr;
    place[6] = reinterpret_cast<void*>(&begin_here);
    fiber = place;
  }
  void enter() { moesim_change_stack(&caller, fiber); }
  void go_back() { moesim_change_stack(&fiber, caller); }
#else
  ucontext_t fiber{};
  ucontext_t caller{};

  void prepare() {
    getcontext(&fiber);
    fiber.uc_stack.ss_sp = memory.get();
    fiber.uc_stack.ss_size = bytes;
    fiber.uc_link = nullptr;
    makecontext(&fiber, &begin_here, 0);
  }
  void enter() { swapcontext(&caller, &fiber); }
  void go_back() { swapcontext(&fiber, &caller); }
#endif
  static void begin_here() { run(beginning); }
  static thread_local Stacks* beginning;
};

thread_local Fiber::Stacks* Fiber::Stacks::beginning = nullptr;

Fiber::Fiber(std::size_t stack_bytes) : stacks_(std::make_unique<Stacks>()) {
  stacks_->memory = std::make_unique_for_overwrite<std::byte[]>(stack_bytes);
  stacks_->bytes = stack_bytes;
}

Fiber::~Fiber() = default;

void Fiber::run(Stacks* stacks) {
  for (;;) {
    stacks->of_fiber.arrived(&stacks->caller_bottom, &stacks->caller_bytes);
    stacks->work(stacks->argument);
    stacks->runs = false;
    stacks->of_fiber.announce(stacks->caller_bottom, stacks->caller_bytes);
    stacks->go_back();
  }
}

void Fiber::begin(Work work, void* argument) {
  CHECK(!stacks_->runs, "a fiber ends one piece of work before it begins another");
  stacks_->work = work;
  stacks_->argument = argument;
  stacks_->runs = true;
}

bool Fiber::resume() {
  Stacks& stacks = *stacks_;
  CHECK(stacks.runs, "a fiber that is resumed has work");
  bool is_new = false;
#if defined(__x86_64__)
  is_new = stacks.fiber == nullptr;
#else
  is_new = stacks.fiber.uc_stack.ss_sp == nullptr;
#endif
  if (is_new) stacks.prepare();
  Stacks::beginning = &stacks;
  stacks.of_caller.announce(stacks.memory.get(), stacks.bytes);
  stacks.enter();
  stacks.of_caller.arrived(nullptr, nullptr);
  return stacks.runs;
}

void Fiber::leave() {
  Stacks& stacks = *stacks_;
  stacks.of_fiber.announce(stacks.caller_bottom, stacks.caller_bytes);
  stacks.go_back();
  stacks.of_fiber.arrived(&stacks.caller_bottom, &stacks.caller_bytes);
}

}  // namespace moesim::testing
