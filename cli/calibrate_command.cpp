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
#include "cli/progress_line.h"
#include "experiments/build_info.h"
#include "experiments/calibration/machine_table.h"
#include "experiments/runs/point_files.h"
#include "experiments/runs/run_manifest.h"
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
  std::string rows;
  int threads = 0;
  bool small = false;
};

std::string made_text() {
  std::string text = "moesim " + experiments::build_version() + " (" + experiments::build_commit();
  text += "), " + experiments::component_versions().at("compiler");
  return text + ", " + experiments::utc_now("%Y-%m-%d");
}

void write_table(sim::CostTable table, const CalibrateComputeOptions& options) {
  if (options.output.empty()) return;
  table.made = made_text();
  experiments::write_file(options.output, sim::cost_table_text(table));
  std::printf("cost table in %s\n", options.output.c_str());
}

void calibrate_from(const CalibrateComputeOptions& options) {
  const auto like = sim::find_cost_table(options.like, "--like");
  const experiments::Calibration made = experiments::calibrate(
      experiments::read_latency_rows(options.from), *like, base::number_of_cores());
  std::fputs(experiments::calibration_text(made).c_str(), stdout);
  write_table(made.table, options);
}

void judge_table(const CalibrateComputeOptions& options) {
  const auto table = sim::find_cost_table(options.table, "--table");
  const experiments::Judgement judgement =
      experiments::judge(experiments::read_latency_rows(options.against), *table);
  std::fputs(experiments::judgement_text(judgement, true).c_str(), stdout);
}

void measure_here(const CalibrateComputeOptions& options) {
  const int threads = options.threads > 0 ? options.threads : base::number_of_cores();
  const model::TrialMachine machine(threads);
  experiments::MeasuringOptions measuring;
  measuring.small = options.small;
  if (options.small) measuring.least_seconds = measuring.sustained_seconds = 0.002;
  ProgressLine line(1);
  measuring.progress = [&line](int done, int all) { line.show(0, {"timing kernels", done, all}); };
  const experiments::Measured measured = experiments::measure_kernels(machine, measuring);
  line.clear();
  const sim::CostTable like = experiments::table_of_machine(machine, measured);
  if (!options.rows.empty()) {
    experiments::write_file(options.rows, experiments::latency_rows_text(
                                              measured.rows, like.machine + "; " + made_text()));
    std::printf("%zu rows in %s\n", measured.rows.size(), options.rows.c_str());
  }
  experiments::Calibration made =
      experiments::calibrate(measured.rows, like, base::number_of_cores());
  experiments::add_sustained(measured, made.table);
  std::fputs(experiments::calibration_text(made).c_str(), stdout);
  write_table(made.table, options);
}

void require_pair(const std::string& a, const std::string& b, const char* missing,
                  const char* why) {
  if (a.empty() == b.empty()) return;
  throw base::Error(missing, why, "moesim calibrate compute --help shows the three ways to use it");
}

void calibrate_compute(const CalibrateComputeOptions& options) {
  require_pair(options.table, options.against, options.table.empty() ? "--table" : "--against",
               "a table is judged against rows: --table and --against come together");
  require_pair(options.from, options.like, options.from.empty() ? "--from" : "--like",
               "rows are fitted like a table whose tiles and exclusions hold: --from and --like "
               "come together");
  if (!options.table.empty()) return judge_table(options);
  if (!options.from.empty()) return calibrate_from(options);
  measure_here(options);
}

void add_compute_command(CLI::App& command) {
  CLI::App* compute = command.add_subcommand(
      "compute", "Measure this machine's kernels, or fit or judge a cost table by measured rows");
  auto options = std::make_shared<CalibrateComputeOptions>();
  compute->add_option("--from", options->from,
                      "Fit these rows (CSV, docs/file_formats.md) instead of measuring");
  compute->add_option("--like", options->like,
                      "With --from: the table, by name or .json file, whose machine, tiles, rules "
                      "and exclusions hold");
  compute->add_option("--table", options->table,
                      "Print the errors of this table, by name or .json file ...");
  compute->add_option("--against", options->against, "... on these rows (CSV)");
  compute->add_option("-o,--output", options->output, "File for the cost table");
  compute->add_option("--rows", options->rows, "When measuring: file for the rows (CSV)");
  compute->add_option("--threads", options->threads, "When measuring (default: all cores)")
      ->check(CLI::Range(1, 1024));
  compute->add_flag("--small", options->small, "When measuring: a few small shapes, to try it out");
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
