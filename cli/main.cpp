// SPDX-License-Identifier: Apache-2.0
// The moesim command. Exit codes: 0 done, 1 some points failed, 2 the user's input, 3 interrupted,
// 70 our bug.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "experiments/build_info.h"

namespace {

using moesim::cli::kOurBug;
using moesim::cli::kUserError;

// The nearest command where the first word is none, the nearest flag where one is unknown.
std::string usage_hint(const CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty()) return {};
  if (app.get_subcommands().empty()) {
    std::vector<std::string> commands;
    for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
    return moesim::base::did_you_mean(arguments.front(), commands);
  }
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_subcommands().front()->get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  for (const std::string& argument : arguments) {
    const std::string flag = argument.substr(0, argument.find('='));
    if (!flag.starts_with("--") || std::count(flags.begin(), flags.end(), flag) > 0) continue;
    return moesim::base::did_you_mean(flag, flags);
  }
  return {};
}

// What is wrong, as CLI11 says it but for a first word that is no command, of which it says
// nothing.
std::string usage_fault(const CLI::App& app, const CLI::ParseError& error,
                        const std::vector<std::string>& arguments) {
  const bool names_none = arguments.empty() || arguments.front().starts_with('-');
  if (names_none || !app.get_subcommands().empty()) return error.what();
  return "no command is called \"" + arguments.front() + "\"";
}

// What is wrong and what the nearest right words are.
int report_usage(const CLI::App& app, const CLI::ParseError& error,
                 const std::vector<std::string>& arguments) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
  const std::string hint = usage_hint(app, arguments);
  std::fprintf(
      stderr, "moesim: %s%s%s\nRun \"moesim --help\" for the commands and their options.\n",
      usage_fault(app, error, arguments).c_str(), hint.empty() ? "" : "\n  hint: ", hint.c_str());
  return kUserError;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Trains small Mixture-of-Experts models for real and simulates large ones on a cluster.",
      "moesim");
  app.set_version_flag("--version", moesim::experiments::build_version() + " (" +
                                        moesim::experiments::build_commit() + ")");
  app.require_subcommand(1);
  int exit_code = 0;
  moesim::cli::add_run_command(app, exit_code, {argv, argv + argc});
  moesim::cli::add_search_command(app, exit_code, {argv, argv + argc});
  moesim::cli::add_merge_command(app, exit_code, {argv, argv + argc});
  moesim::cli::add_results_command(app);
  moesim::cli::add_compare_command(app);
  moesim::cli::add_explain_command(app);
  moesim::cli::add_train_command(app, exit_code, {argv, argv + argc});
  moesim::cli::add_generate_command(app);
  moesim::cli::add_inspect_command(app);
  moesim::cli::add_edit_command(app);
  moesim::cli::add_bench_collective_command(app, exit_code);
  moesim::cli::add_report_command(app);
  moesim::cli::add_schema_command(app);
  moesim::cli::add_models_command(app);
  moesim::cli::add_topology_command(app);
  moesim::cli::add_validate_command(app, exit_code);
  moesim::cli::add_calibrate_command(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_usage(app, error, {argv + 1, argv + argc});
  } catch (const moesim::base::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return kUserError;
  } catch (const std::exception& error) {
    std::fprintf(stderr,
                 "moesim: internal error: %s\nThis is a bug of moesim, not of your input.\n",
                 error.what());
    return kOurBug;
  }
  // What could not be printed is not done, whatever else was.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "moesim: cannot write to standard output: %s\n", std::strerror(errno));
    return kUserError;
  }
  return exit_code;
}
