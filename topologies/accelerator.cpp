// SPDX-License-Identifier: Apache-2.0
#include "topologies/accelerator.h"

#include <tuple>

#include "topologies/config_checks.h"

namespace moesim::topologies {

void describe(base::FieldTable& table, Accelerator& accelerator) {
  table.title("accelerator", "What one accelerator can do.");
  table.field("preset", accelerator.preset,
              "A file in topologies/presets/accelerators; the other keys replace its values.");
  table.field("name", accelerator.name, "What reports call it.");
  table
      .field("peak_bf16", accelerator.peak_bf16,
             "Dense bf16 peak of the data sheet; model FLOPs utilisation is measured against it.")
      .required()
      .above(0);
  table
      .field("peak_fp8", accelerator.peak_fp8,
             "Dense fp8 peak of the data sheet; null where the chip has none. For the record: "
             "experts compute in bf16.")
      .above(0);
  table
      .field("achievable_bf16", accelerator.achievable_bf16,
             "The best bf16 matrix multiplication rate that was measured.")
      .required()
      .above(0);
  table.field("memory", accelerator.memory, "Memory of one accelerator.").required().above(0);
  table
      .field("memory_bandwidth", accelerator.memory_bandwidth,
             "Memory bandwidth of the data sheet.")
      .required()
      .above(0);
  table
      .field("achievable_memory_fraction", accelerator.achievable_memory_fraction,
             "The part of memory_bandwidth that kernels were measured to reach.")
      .required()
      .above(0)
      .at_most(1);
  table
      .field("num_sms", accelerator.num_sms,
             "Streaming multiprocessors (compute units); null: no wave quantisation.")
      .at_least(1);
  table
      .field("kernel_overhead", accelerator.kernel_overhead,
             "The least time between the starts of two kernels.")
      .required()
      .at_least(0);
  table
      .field("roofline_exponent", accelerator.roofline_exponent,
             "p of a kernel's time (memory^p + arithmetic^p)^(1/p); large: the slower one alone.")
      .required()
      .at_least(1);
  table.field("cost_table", accelerator.cost_table,
              "What cost.source table takes: the name of a table in sim/cost/presets, or a file "
              "that ends in .json, relative to the file that names it (of --set and --sweep: to "
              "the working directory).");
  table.field("sources", accelerator.sources, "Where each number comes from, by key.");
}

void validate(const Accelerator& accelerator, const std::string& where) {
  require(accelerator.achievable_bf16 <= accelerator.peak_bf16, where + "/achievable_bf16",
          "more is achieved than the peak",
          "at most peak_bf16, " + base::to_text(accelerator.peak_bf16));
}

bool has_same_figures(const Accelerator& a, const Accelerator& b) {
  const auto figures = [](const Accelerator& x) {
    return std::tie(x.peak_bf16, x.peak_fp8, x.achievable_bf16, x.memory, x.memory_bandwidth,
                    x.achievable_memory_fraction, x.num_sms, x.kernel_overhead, x.roofline_exponent,
                    x.cost_table);
  };
  return figures(a) == figures(b);
}

}  // namespace moesim::topologies
