// SPDX-License-Identifier: Apache-2.0
// The moesim command. Exit codes: 0 done, 1 some points failed, 2 the user's input, 3 interrupted,
// 70 our bug.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "cli/commands.h"
#include "experiments/build_info.h"

namespace {

constexpr int kUserError = 2;
constexpr int kOurBug = 70;

// CLI11's own message, with the nearest command where the first word is none.
int report_usage(const CLI::App& app, const CLI::ParseError& error, const char* first) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  std::string hint;
  if (first != nullptr && app.get_subcommands().empty()) {
    hint = moesim::base::did_you_mean(first, commands);
  }
  std::fprintf(stderr, "moesim: %s%s%s\nRun \"moesim --help\" for the commands and their options.\n",
               error.what(), hint.empty() ? "" : "\n  hint: ", hint.c_str());
  return kUserError;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulates the training step of a Mixture-of-Experts model on a cluster.", "moesim");
  app.set_version_flag("--version", moesim::experiments::build_version() + " (" +
                                        moesim::experiments::build_commit() + ")");
  app.require_subcommand(1);
  int exit_code = 0;
  moesim::cli::add_run_command(app, exit_code, {argv, argv + argc});
  moesim::cli::add_schema_command(app);
  moesim::cli::add_models_command(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error, argc > 1 ? argv[1] : nullptr);
  } catch (const moesim::base::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return kUserError;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "moesim: internal error: %s\nThis is a bug of moesim, not of your input.\n",
                 error.what());
    return kOurBug;
  }
  return exit_code;
}
