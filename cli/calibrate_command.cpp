// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file_bytes.h"
#include "base/json_value.h"
#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/progress_line.h"
#include "experiments/build_info.h"
#include "experiments/calibration/machine_table.h"
#include "experiments/runs/point_files.h"
#include "experiments/runs/run_manifest.h"
#include "experiments/validation/network_fit.h"
#include "model/cpu/trial_processor.h"
#include "model/cuda/backend_choice.h"
#include "model/cuda/trial_device.h"

namespace moesim::cli {
namespace {

namespace fs = std::filesystem;

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
  std::string backend;  // empty: cpu
  int threads = 0;
  bool small = false;
};

std::string made_text() {
  std::string text = "moesim " + experiments::build_version() + " (" + experiments::build_commit();
  text += "), " + experiments::component_versions().at("compiler");
  return text + ", " + experiments::utc_now("%Y-%m-%d");
}

// Says what was fitted, and where the table is.
void keep_table(experiments::Calibration made, const std::string& output) {
  for (const std::string& warning : made.warnings) {
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  }
  std::fputs(experiments::calibration_text(made).c_str(), stdout);
  if (output.empty()) {
    std::fprintf(stderr, "moesim: no table was written; -o FILE.json writes it\n");
    return;
  }
  made.table.made = made_text();
  experiments::write_file(output, sim::cost_table_text(made.table));
  std::printf("cost table in %s\n", output.c_str());
}

void calibrate_from(const CalibrateComputeOptions& options) {
  const auto like = sim::find_cost_table(options.like, "--like");
  experiments::Calibration made = experiments::calibrate(
      experiments::read_latency_rows(options.from), *like, base::number_of_cores());
  made.table.sources["rows"] = fs::path(options.from).filename().string() + ", sha256 " +
                               base::sha256_of_file(options.from, "check its permissions");
  keep_table(std::move(made), options.output);
}

void judge_table(const CalibrateComputeOptions& options) {
  const auto table = sim::find_cost_table(options.table, "--table");
  const experiments::Judgement judgement =
      experiments::judge(experiments::read_latency_rows(options.against), *table);
  std::fputs(experiments::judgement_text(judgement, true).c_str(), stdout);
}

std::unique_ptr<model::TrialMachine> machine_on(const model::cuda::BackendChoice& backend,
                                                const CalibrateComputeOptions& options) {
  if (backend.device == nullptr) {
    const int threads = options.threads > 0 ? options.threads : base::number_of_cores();
    return model::make_trial_processor(threads);
  }
  if (options.threads > 0) {
    throw base::Error("--threads", "what is measured is " + backend.description,
                      "leave it out, or measure the processor: --backend cpu");
  }
  return model::cuda::make_trial_device(*backend.device);
}

experiments::Measured measure(model::TrialMachine& machine, experiments::GridSize size) {
  experiments::MeasuringOptions measuring = experiments::options_for(size);
  ProgressLine line(1);
  measuring.progress = [&line](int done, int all) { line.show(0, {"timing kernels", done, all}); };
  experiments::Measured measured =
      experiments::measure_kernels(machine, experiments::measuring_grid(size), measuring);
  line.clear();
  return measured;
}

void warn_of(const experiments::Measured& measured) {
  if (measured.left_out > 0) {
    std::fprintf(stderr, "warning: %d rows of the grid are too large or too slow here: left out\n",
                 measured.left_out);
  }
  if (measured.disagreement.value_or(0) > experiments::kMostDisagreement) {
    std::fprintf(stderr,
                 "warning: equal rounds differ by %.0f %%: other work runs on this machine, and is "
                 "in the figures; measure again without it\n",
                 100 * *measured.disagreement);
  }
}

void measure_here(const CalibrateComputeOptions& options) {
  const std::string name = options.backend.empty() ? "cpu" : options.backend;
  const model::cuda::BackendChoice backend = model::cuda::choose_backend(name);
  const auto machine = machine_on(backend, options);
  if (name != "cpu") std::fprintf(stderr, "moesim: measuring %s\n", backend.description.c_str());
  const auto size = options.small               ? experiments::GridSize::small
                    : backend.device == nullptr ? experiments::GridSize::processor
                                                : experiments::GridSize::accelerator;
  const experiments::Measured measured = measure(*machine, size);
  warn_of(measured);
  const sim::CostTable like = experiments::table_of_machine(*machine, measured);
  if (!options.rows.empty()) {
    experiments::write_file(options.rows, experiments::latency_rows_text(
                                              measured.rows, like.machine + "; " + made_text()));
    std::printf("%zu rows in %s\n", measured.rows.size(), options.rows.c_str());
  }
  experiments::Calibration made =
      experiments::calibrate(measured.rows, like, base::number_of_cores());
  experiments::add_sustained(measured, made.table);
  keep_table(std::move(made), options.output);
}

constexpr const char* kThreeUses = "moesim calibrate compute --help shows the three ways to use it";

void require_pair(const std::string& a, const std::string& b, const char* missing,
                  const char* why) {
  if (a.empty() == b.empty()) return;
  throw base::Error(missing, why, kThreeUses);
}

// Before minutes of measuring, not after them.
void require_place_for(const std::string& file) {
  if (file.empty()) return;
  const fs::path path = fs::absolute(file);
  if (fs::is_directory(path)) {
    throw base::Error(file, "is a folder", "name a file in it");
  }
  if (!fs::is_directory(path.parent_path())) {
    throw base::Error(file, "there is no folder " + path.parent_path().string(),
                      "make it first, or name another file");
  }
}

// An option that was given belongs to one of the three uses.
struct GivenOption {
  const char* flag;
  const char* use;
};

std::vector<GivenOption> given_options(const CalibrateComputeOptions& options) {
  constexpr const char* kJudging = "judging a table";
  constexpr const char* kFitting = "fitting rows of a file";
  constexpr const char* kMeasuring = "measuring";
  std::vector<GivenOption> given;
  const auto note = [&](bool is_given, const char* flag, const char* use) {
    if (is_given) given.push_back({flag, use});
  };
  note(!options.table.empty(), "--table", kJudging);
  note(!options.against.empty(), "--against", kJudging);
  note(!options.from.empty(), "--from", kFitting);
  note(!options.like.empty(), "--like", kFitting);
  note(!options.backend.empty(), "--backend", kMeasuring);
  note(options.threads > 0, "--threads", kMeasuring);
  note(options.small, "--small", kMeasuring);
  note(!options.rows.empty(), "--rows", kMeasuring);
  return given;
}

void require_one_use(const CalibrateComputeOptions& options) {
  const std::vector<GivenOption> given = given_options(options);
  for (const GivenOption& other : given) {
    const GivenOption& first = given.front();
    if (std::string_view(other.use) == first.use) continue;
    throw base::Error(other.flag,
                      std::string(other.flag) + " is for " + other.use + ", and " + first.flag +
                          " is for " + first.use,
                      kThreeUses);
  }
  if (!options.rows.empty() && !options.output.empty() &&
      fs::weakly_canonical(fs::absolute(options.rows)) ==
          fs::weakly_canonical(fs::absolute(options.output))) {
    throw base::Error("--rows", "rows and table cannot go into one file, " + options.rows,
                      "name another file");
  }
  if (!options.table.empty() && !options.output.empty()) {
    throw base::Error("-o", "judging a table prints its errors and writes no table",
                      "leave -o out, or fit one: --from and --like");
  }
}

void calibrate_compute(const CalibrateComputeOptions& options) {
  require_one_use(options);
  if (!options.output.empty() && !sim::is_cost_table_file(options.output)) {
    throw base::Error("-o", "experiments name a table's file by a name that ends in .json",
                      "write " + options.output + ".json");
  }
  require_place_for(options.output);
  require_place_for(options.rows);
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
  compute->add_option("-o,--output", options->output,
                      "When measuring, and with --from: file for the cost table");
  compute->add_option("--backend", options->backend,
                      "When measuring: what computes: cpu (default), cuda, cuda:bf16 (mixed "
                      "precision), cuda:fp32, cuda:tf32, or auto: cuda where there is a device");
  compute->add_option("--rows", options->rows, "When measuring: file for the rows (CSV)");
  compute
      ->add_option("--threads", options->threads,
                   "When measuring the processor (default: all cores)")
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
