// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "base/parallel.h"
#include "cli/commands.h"
#include "experiments/calibration/compute_calibration.h"
#include "experiments/runs/point_files.h"
#include "experiments/validation/network_fit.h"

namespace moesim::cli {
namespace {

struct CalibrateNetworkOptions {
  std::string table;
  std::string output;
  std::string cluster;
  std::vector<std::string> fitted;
};

void calibrate_network(const CalibrateNetworkOptions& options) {
  experiments::Series series = experiments::read_series(options.table);
  if (!options.cluster.empty()) {
    series.cluster = base::json_object();
    base::add_member(series.cluster, "preset", base::json_of(options.cluster));
  }
  const int threads = base::number_of_cores();
  const experiments::NetworkFit fit = experiments::fit_network(series, options.fitted, threads);
  std::printf("%s: %s\n%s", series.name.c_str(), series.title.c_str(),
              experiments::fit_text(fit).c_str());
  const std::string preset = experiments::preset_text(fit, series);
  if (options.output.empty()) {
    std::fputs(preset.c_str(), stdout);
    return;
  }
  experiments::write_file(options.output, preset);
  std::printf("  preset in %s\n", options.output.c_str());
}

struct CalibrateComputeOptions {
  std::string from;
  std::string like;
  std::string table;
  std::string against;
  std::string output;
  bool by_shape = false;
};

void calibrate_from(const CalibrateComputeOptions& options) {
  const auto like = sim::find_cost_table(options.like, "--like");
  experiments::Calibration made = experiments::calibrate(
      experiments::read_latency_rows(options.from), *like, base::number_of_cores());
  std::fputs(experiments::calibration_text(made).c_str(), stdout);
  if (options.output.empty()) return;
  experiments::write_file(options.output, sim::cost_table_text(made.table));
  std::printf("table in %s\n", options.output.c_str());
}

void judge_table(const CalibrateComputeOptions& options) {
  const auto table = sim::find_cost_table(options.table, "--table");
  const experiments::Judgement judgement =
      experiments::judge(experiments::read_latency_rows(options.against), *table);
  std::fputs(experiments::judgement_text(judgement, true).c_str(), stdout);
}

void calibrate_compute(const CalibrateComputeOptions& options) {
  if (!options.table.empty()) return judge_table(options);
  calibrate_from(options);
}

void add_compute_command(CLI::App& command) {
  CLI::App* compute = command.add_subcommand("compute", "Fit a cost table");
  auto options = std::make_shared<CalibrateComputeOptions>();
  compute->add_option("--from", options->from, "CSV");
  compute->add_option("--like", options->like, "table");
  compute->add_option("--table", options->table, "table");
  compute->add_option("--against", options->against, "CSV");
  compute->add_option("-o,--output", options->output, "File");
  compute->callback([options] { calibrate_compute(*options); });
}

}  // namespace

void add_calibrate_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("calibrate", "Fit presets to measurements");
  command->require_subcommand(1);
  CLI::App* network = command->add_subcommand(
      "network", "Fit a protocol preset to measured collectives of one machine");
  auto options = std::make_shared<CalibrateNetworkOptions>();
  network->add_option("table", options->table, "The measured cases (docs/file_formats.md)")
      ->required();
  network->add_option("-o,--output", options->output,
                      "File for the preset (default: standard output)");
  network->add_option("--cluster", options->cluster,
                      "A preset in topologies/presets/clusters instead of the file's cluster");
  network
      ->add_option("--fit", options->fitted,
                   "The protocol's keys to fit, at most four (default: the file's)")
      ->delimiter(',');
  network->callback([options] { calibrate_network(*options); });
  add_compute_command(*command);
}

}  // namespace moesim::cli
