// SPDX-License-Identifier: Apache-2.0
// Tells on stderr how far a run has come, once it has taken longer than a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "sim/run.h"

namespace moesim::cli {

class ProgressLine {
 public:
  explicit ProgressLine(std::size_t points);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Shows at most two updates a second on a terminal, one in five seconds elsewhere.
  void show(std::size_t finished, const sim::Progress& progress);

  // Takes the line off a terminal, for what is to be printed there.
  void clear() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::size_t points_;
  bool terminal_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_shown_;
  std::string stage_;
  Clock::time_point stage_start_ = Clock::now();
  bool shown_ = false;
};

}  // namespace moesim::cli
