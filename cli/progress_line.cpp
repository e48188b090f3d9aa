// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace moesim::cli {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// What is left if the rest goes as fast as what is done.
std::string eta(double elapsed, double done, double all) {
  if (done <= 0 || all <= 0) return {};
  return fmt::format(", ETA {:.0f} s", elapsed * (all - done) / done);
}

}  // namespace

ProgressLine::ProgressLine(std::size_t points)
    : points_(points), terminal_(isatty(STDERR_FILENO) != 0) {}

void ProgressLine::clear() const {
  if (shown_ && terminal_) std::fputs("\r\x1b[K", stderr);
}

void ProgressLine::show(std::size_t finished, const sim::Progress& progress) {
  if (progress.stage != stage_) {
    stage_ = progress.stage;
    stage_start_ = Clock::now();
  }
  const double pause = terminal_ ? 0.5 : 5.0;
  if (seconds_since(start_) < 1.0 || (shown_ && seconds_since(last_shown_) < pause)) return;
  std::string text;
  if (points_ > 1) {
    text = fmt::format(
        "{}/{} points{}", finished, points_,
        eta(seconds_since(start_), static_cast<double>(finished), static_cast<double>(points_)));
  } else if (progress.stage.empty()) {
    return;
  } else {
    text = fmt::format("{} {}/{}{}", progress.stage, progress.done, progress.all,
                       eta(seconds_since(stage_start_), progress.done, progress.all));
  }
  std::fprintf(stderr, terminal_ ? "\r\x1b[Kmoesim: %s" : "moesim: %s\n", text.c_str());
  std::fflush(stderr);
  shown_ = true;
  last_shown_ = Clock::now();
}

}  // namespace moesim::cli
