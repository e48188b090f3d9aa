// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.h"

namespace moesim::cli {
namespace {

volatile std::sig_atomic_t requested = 0;  // set by the signal handler, the only way it can speak

void request(int) { requested = 1; }

}  // namespace

void note_interrupts() {
  std::signal(SIGINT, request);
  std::signal(SIGTERM, request);
}

const volatile std::sig_atomic_t& interrupted() { return requested; }

}  // namespace moesim::cli
