// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "cli/commands.h"
#include "cli/progress_line.h"
#include "experiments/validation/comparison.h"

namespace moesim::cli {
namespace {

constexpr int kPromiseBroken = 1;

struct ValidateOptions {
  std::vector<std::string> series;  // names or files; empty: all that ship
  std::string fidelity = "analytic";
  bool json = false;
  bool summary = false;
};

sim::Fidelity fidelity_of(const std::string& wanted) {
  std::vector<std::string> names;
  for (const auto& [fidelity, name] : names_of(sim::Fidelity{})) {
    if (name == wanted) return fidelity;
    names.push_back(name);
  }
  throw base::Error("--fidelity", "unknown fidelity \"" + wanted + "\"",
                    base::did_you_mean(wanted, names));
}

// A file of the user's, or one that ships, by its name.
std::filesystem::path file_of(const std::string& wanted) {
  if (wanted.ends_with(".json")) return wanted;
  std::vector<std::string> names;
  for (const std::filesystem::path& file : experiments::shipped_series()) {
    names.push_back(file.stem().string());
    if (names.back() == wanted) return file;
  }
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  const std::string nearest = base::did_you_mean(wanted, names);
  throw base::Error("SERIES", "unknown series \"" + wanted + "\"",
                    (nearest.empty() ? "" : nearest + " ") + "Series: " + known +
                        "; a file of your own ends in .json");
}

std::vector<std::filesystem::path> files_of(const ValidateOptions& options) {
  if (options.series.empty()) return experiments::shipped_series();
  std::vector<std::filesystem::path> files;
  for (const std::string& wanted : options.series) files.push_back(file_of(wanted));
  return files;
}

void validate(const ValidateOptions& options, int& exit_code) {
  const sim::Fidelity fidelity = fidelity_of(options.fidelity);
  const int threads = base::number_of_cores();
  std::vector<experiments::SeriesComparison> comparisons;
  ProgressLine line(1);
  for (const std::filesystem::path& file : files_of(options)) {
    const experiments::Series series = experiments::read_series(file);
    const int cases = static_cast<int>(series.cases.size());
    comparisons.push_back(experiments::compare(series, fidelity, threads, [&](int done) {
      line.show(0, {"simulating the cases of " + series.name, done, cases});
    }));
    line.clear();
    if (options.json || options.summary) continue;
    std::printf("%s\n", experiments::case_lines(comparisons.back()).c_str());
  }
  const std::string text = options.json ? experiments::comparison_json(comparisons)
                                        : experiments::summary_table(comparisons);
  std::fputs(text.c_str(), stdout);
  for (const experiments::SeriesComparison& comparison : comparisons) {
    if (comparison.keeps_promise()) continue;
    exit_code = kPromiseBroken;
    std::fprintf(stderr, "%s: the median error over trust-A cases is above what is promised\n",
                 comparison.name.c_str());
  }
}

}  // namespace

void add_validate_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "validate", "Run published measurements through the simulator and print the errors");
  auto options = std::make_shared<ValidateOptions>();
  command->add_option("series", options->series,
                      "Names of series that ship, or files of your own (default: all that ship)");
  command
      ->add_option(
          "--fidelity", options->fidelity,
          "analytic, collective or flow; a collective alone takes as long in the first two")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON: every case and every series");
  command->add_flag("--summary", options->summary, "Print the table of series only");
  command->callback([options, &exit_code] { validate(*options, exit_code); });
}

}  // namespace moesim::cli
