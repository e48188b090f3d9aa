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

base::Seconds parse_time_limit(const std::string& text) {
  const std::string hint = "write --time-limit \"90 s\", \"5 min\" or \"2 h\"";
  try {
    const base::Seconds limit = base::parse_seconds(text);
    if (limit.value > 0) return limit;
  } catch (const base::Error& error) {
    throw base::Error("--time-limit", error.message(), hint);
  }
  throw base::Error("--time-limit", "must be above 0; found \"" + text + "\"", hint);
}

base::Bytes parse_max_memory(const std::string& text) {
  const std::string hint = "write --max-memory \"2 GiB\"";
  try {
    const base::Bytes limit = base::parse_bytes(text);
    if (limit.value > 0) return limit;
  } catch (const base::Error& error) {
    throw base::Error("--max-memory", error.message(), hint);
  }
  throw base::Error("--max-memory", "must be above 0; found \"" + text + "\"", hint);
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
  if (flags.time_limit) runner.time_limit = parse_time_limit(*flags.time_limit);
  if (flags.max_memory) runner.max_memory = parse_max_memory(*flags.max_memory);
  runner.interrupted = &interrupted();
  return runner;
}

std::string backend_in_words(const RunnerFlags& flags) {
  if (flags.backend == "cpu") return flags.backend;
  const std::string words = experiments::in_child_process(
      [&] { return model::cuda::choose_backend(flags.backend).description; });
  std::fprintf(stderr, "moesim: training gates on %s\n", words.c_str());
  return words;
}

}  // namespace moesim::cli
