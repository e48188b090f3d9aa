// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "experiments/runs/merge.h"

namespace moesim::cli {
namespace {

constexpr int kSomeMissing = 1;
constexpr std::size_t kMostNamed = 20;

struct MergeOptions {
  std::vector<std::string> runs;
  std::string output = "runs";
  std::vector<std::string> arguments;
};

std::string list_of(const std::vector<std::size_t>& indices) {
  std::string list;
  for (std::size_t i = 0; i < std::min(indices.size(), kMostNamed); ++i) {
    list += (i == 0 ? "" : ", ") + std::to_string(indices[i]);
  }
  return indices.size() > kMostNamed ? list + ", ..." : list;
}

int merge(const MergeOptions& options) {
  const experiments::MergedRun merged = experiments::merge_runs(
      {options.runs.begin(), options.runs.end()}, options.output, quoted(options.arguments));
  const std::size_t there = merged.num_points - merged.missing.size();
  std::printf("%zu of %zu points are there, %zu of them failed\n", there, merged.num_points,
              merged.failed);
  std::printf("results in %s\n", merged.folder.c_str());
  if (!merged.missing.empty()) {
    std::fprintf(stderr,
                 "moesim: %zu points are missing: %s\n"
                 "to run them: moesim run FILE --resume %s\n",
                 merged.missing.size(), list_of(merged.missing).c_str(),
                 quoted({merged.folder.string()}).c_str());
  }
  return merged.missing.empty() && merged.failed == 0 ? 0 : kSomeMissing;
}

}  // namespace

void add_merge_command(CLI::App& app, int& exit_code, std::vector<std::string> arguments) {
  CLI::App* command = app.add_subcommand("merge", "Make one run of the shards of a sweep");
  auto options = std::make_shared<MergeOptions>();
  options->arguments = std::move(arguments);
  command->add_option("runs", options->runs, "Folders of runs")->required();
  command->add_option("-o,--output", options->output, "Folder for results")->capture_default_str();
  command->callback([options, &exit_code] { exit_code = merge(*options); });
}

}  // namespace moesim::cli
