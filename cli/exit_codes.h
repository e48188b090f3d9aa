// SPDX-License-Identifier: Apache-2.0
// What the program ends with; 0 where all is done.
#pragma once

namespace moesim::cli {

constexpr int kSomeFailed = 1;   // points failed, or a check did not hold
constexpr int kUserError = 2;    // the input
constexpr int kInterrupted = 3;  // and can go on
constexpr int kOurBug = 70;

}  // namespace moesim::cli
