// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/machine_table.h"

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace moesim::experiments {
namespace {

double rounded(double value) { return std::stod(fmt::format("{:.3g}", value)); }

std::string rounds_text(const Measured& measured) {
  if (!measured.disagreement) return "";
  return fmt::format("; a row's two best rounds differ by {:.1f} % in the middle",
                     100 * *measured.disagreement);
}

}  // namespace

sim::CostTable table_of_machine(const model::TrialMachine& machine, const Measured& measured) {
  sim::CostTable table;
  table.machine = machine.description();
  table.name = table.machine;
  table.device = machine.name();
  table.peak = base::FlopsPerSecond(rounded(measured.best_flops_per_s));
  table.peak_bandwidth = base::BytesPerSecond(rounded(measured.best_bytes_per_s));
  table.sources["rows"] = "measured by moesim calibrate compute" + rounds_text(measured);
  table.sources["peak"] = "the fastest of the measured rows";
  table.sources["peak_bandwidth"] = "the fastest of the measured rows";
  for (const std::string& family : sim::kernel_families()) {
    if (family == sim::kMoeLayer) continue;
    const double bytes = machine.element_bytes(trial_kernel_of(family));
    table.kernels[family].model = default_model(family, machine.workers(), bytes);
  }
  return table;
}

void add_sustained(const Measured& measured, sim::CostTable& table) {
  for (const auto& [family, slowdown] : measured.sustained_slowdown) {
    table.kernels.at(family).sustained_slowdown = rounded(slowdown);
  }
}

}  // namespace moesim::experiments
