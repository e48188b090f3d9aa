// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/first_point.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>

#include "base/error.h"
#include "experiments/runs/child_process.h"
#include "sim/run.h"

namespace moesim::experiments {
namespace {

// Ends the process when the time is over: the kernel's answer to SIGALRM.
void end_after(base::Seconds limit) {
  std::signal(SIGALRM, SIG_DFL);
  alarm(static_cast<unsigned>(std::ceil(limit.value)));
}

std::string cost_in_this_process(const ReadPoint& read) {
  const auto start = std::chrono::steady_clock::now();
  sim::run(read.experiment.scenario);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::to_string(wall.count()) + " " + std::to_string(1024.0 * usage.ru_maxrss);
}

}  // namespace

std::optional<PointCost> cost_of_first_point(const Sweep& sweep, base::Seconds limit) {
  const FirstPoint first = first_point(sweep);
  try {
    const std::string answer = in_child_process([&] {
      end_after(limit);
      return cost_in_this_process(first.read);
    });
    std::size_t end = 0;
    const double wall = std::stod(answer, &end);
    return PointCost{base::Seconds(wall), base::Bytes(std::stod(answer.substr(end)))};
  } catch (const base::Error& error) {
    throw placed_error(sweep, first.point, error);
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

}  // namespace moesim::experiments
