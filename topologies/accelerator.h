// SPDX-License-Identifier: Apache-2.0
// What one accelerator can do, from its data sheet and published measurements.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/json_reader.h"
#include "base/units.h"

namespace moesim::topologies {

struct Accelerator {
  std::string preset;
  std::string name;
  base::FlopsPerSecond peak_bf16;                // dense, data sheet
  std::optional<base::FlopsPerSecond> peak_fp8;  // dense; absent where the chip has none
  base::FlopsPerSecond achievable_bf16;          // best measured matmul rate
  base::Bytes memory;
  base::BytesPerSecond memory_bandwidth;       // data sheet
  double achievable_memory_fraction = 0;       // of memory_bandwidth, measured
  std::optional<int> num_sms;                  // absent: no wave quantisation
  base::Seconds kernel_overhead;               // launch-to-launch floor of one kernel
  double roofline_exponent = 0;                // p of kernels' (mem^p + math^p)^(1/p)
  std::string cost_table;                      // in sim/cost/presets, or a file: x.json
  std::map<std::string, std::string> sources;  // field -> where its number comes from
};

void describe(base::FieldTable& table, Accelerator& accelerator);

// Checks what single fields cannot. `where` is the accelerator's JSON pointer. Throws base::Error.
void validate(const Accelerator& accelerator, const std::string& where);

// True when both compute alike: all figures agree, whatever they are called and come from.
bool has_same_figures(const Accelerator& a, const Accelerator& b);

}  // namespace moesim::topologies
