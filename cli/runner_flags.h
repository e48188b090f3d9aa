// SPDX-License-Identifier: Apache-2.0
// The flags of every command that runs points: how many at a time and how far each may go.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "experiments/runs/runner.h"

namespace moesim::cli {

struct RunnerFlags {
  int workers = 0;  // 0: as many as there are cores
  std::string backend = "cpu";
  std::optional<std::string> time_limit;
  std::optional<std::string> max_memory;
};

// -j, --backend, --time-limit and --max-memory. `flags` outlives the parser.
void add_runner_flags(CLI::App& command, RunnerFlags& flags);

int number_of_workers(const RunnerFlags& flags);

// What the flags say, with Ctrl-C as a request to stop (interrupt.h). Throws base::Error at the
// flag that says what cannot be.
experiments::RunnerOptions read_runner_flags(const RunnerFlags& flags);

// What the backend is, for a manifest; said on stderr where it is not the default. Throws
// base::Error at --backend where it cannot be had. Asked in a child process, since a device's
// driver does not survive the forks of the points' workers.
experiments::BackendRecord backend_record(const RunnerFlags& flags);

}  // namespace moesim::cli
