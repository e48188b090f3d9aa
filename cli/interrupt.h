// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and SIGTERM as a request that a command answers when it can.
#pragma once

#include <csignal>

namespace moesim::cli {

// From here on the two signals are requests; they no longer end the program.
void note_interrupts();
// What the signals set; 0 before.
const volatile std::sig_atomic_t& interrupted();

}  // namespace moesim::cli
