// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/machine_table.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <string>

namespace moesim::experiments {
namespace {

// What the system calls its processor; "unknown processor" where it does not say.
std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

double rounded(double value) { return std::stod(fmt::format("{:.3g}", value)); }

}  // namespace

sim::CostTable table_of_machine(const model::TrialMachine& machine, const Measured& measured) {
  sim::CostTable table;
  table.machine = fmt::format("{}, {} threads, backend {}", processor_name(), machine.workers(),
                              machine.backend());
  table.name = table.machine;
  table.peak = base::FlopsPerSecond(rounded(measured.best_flops_per_s));
  table.peak_bandwidth = base::BytesPerSecond(rounded(measured.best_bytes_per_s));
  table.sources["rows"] = "measured by moesim calibrate compute";
  table.sources["peak"] = "the fastest of the measured rows";
  table.sources["peak_bandwidth"] = "the fastest of the measured rows";
  for (const std::string& family : sim::kernel_families()) {
    if (family == sim::kMoeLayer) continue;
    table.kernels[family].model = default_model(family, machine.workers(), machine.element_bytes());
  }
  return table;
}

void add_sustained(const Measured& measured, sim::CostTable& table) {
  for (const auto& [family, slowdown] : measured.sustained_slowdown) {
    table.kernels.at(family).sustained_slowdown = rounded(slowdown);
  }
}

}  // namespace moesim::experiments
