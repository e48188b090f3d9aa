// SPDX-License-Identifier: Apache-2.0
#include "cli/runner_flags.h"

#include <cstdio>

#include "base/error.h"
#include "base/parallel.h"
#include "cli/interrupt.h"
#include "experiments/runs/child_process.h"
#include "model/cuda/backend_choice.h"

namespace moesim::cli {
namespace {

// A quantity above 0. Throws base::Error at the flag.
template <class Quantity>
Quantity parse_limit(const char* flag, const std::string& text, Quantity (*parse)(std::string_view),
                     const char* hint) {
  try {
    const Quantity limit = parse(text);
    if (limit.value > 0) return limit;
  } catch (const base::Error& error) {
    throw base::Error(flag, error.message(), hint);
  }
  throw base::Error(flag, "must be above 0; found \"" + text + "\"", hint);
}

}  // namespace

void add_runner_flags(CLI::App& command, RunnerFlags& flags) {
  command
      .add_option("-j,--jobs", flags.workers,
                  "Worker processes (default: all cores); a lone point uses as many threads")
      ->check(CLI::Range(1, 1024));
  command.add_option("--backend", flags.backend,
                     "What trains gates: cpu (default), cuda, cuda:bf16 (mixed precision), "
                     "cuda:fp32, cuda:tf32, or auto: cuda where it is there");
  command.add_option("--time-limit", flags.time_limit,
                     "Wall time after which a point is stopped: \"90 s\"");
  command.add_option("--max-memory", flags.max_memory,
                     "Memory above which a point is stopped: \"2 GiB\"");
}

int number_of_workers(const RunnerFlags& flags) {
  return flags.workers > 0 ? flags.workers : base::number_of_cores();
}

experiments::RunnerOptions read_runner_flags(const RunnerFlags& flags) {
  experiments::RunnerOptions runner;
  runner.workers = number_of_workers(flags);
  runner.backend = flags.backend;
  if (flags.time_limit) {
    runner.time_limit = parse_limit("--time-limit", *flags.time_limit, base::parse_seconds,
                                    "write --time-limit \"90 s\", \"5 min\" or \"2 h\"");
  }
  if (flags.max_memory) {
    runner.max_memory = parse_limit("--max-memory", *flags.max_memory, base::parse_bytes,
                                    "write --max-memory \"2 GiB\"");
  }
  runner.interrupted = &interrupted();
  return runner;
}

experiments::BackendRecord backend_record(const RunnerFlags& flags) {
  if (flags.backend == "cpu") return {};
  const std::string words = experiments::in_child_process(
      [&] { return model::cuda::choose_backend(flags.backend).description; });
  std::fprintf(stderr, "moesim: training gates on %s\n", words.c_str());
  return {model::cuda::arithmetic_of(flags.backend), {words}};
}

}  // namespace moesim::cli
