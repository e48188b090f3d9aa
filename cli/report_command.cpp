// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "experiments/report/report_page.h"

namespace moesim::cli {
namespace {

struct ReportOptions {
  std::string run;
  std::string baseline;
  std::string output;
};

}  // namespace

void add_report_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("report", "Write a run as one HTML page that opens from disk");
  auto options = std::make_shared<ReportOptions>();
  command->add_option("run", options->run, "A run's folder, or an experiment's (its latest run)")
      ->required();
  command->add_option("--baseline", options->baseline,
                      "Run to compare with; RUN:POINT (id or number) compares all with one point");
  command->add_option("-o,--output", options->output,
                      "HTML file (default: report.html in the run's folder)");
  command->callback([options] {
    const auto path = experiments::write_report(options->run, options->baseline, options->output);
    std::printf("report in %s\n", path.c_str());
  });
}

}  // namespace moesim::cli
