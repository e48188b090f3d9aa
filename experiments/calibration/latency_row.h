// SPDX-License-Identifier: Apache-2.0
// One measured time of a kernel: engine, version, kernel, experts, topk, hidden, inter,
// distribution, tokens, latency_us. The public tables (github ai-dynamo/aiconfigurator,
// systems/data) say the same under other names; `moesim calibrate compute` writes these columns of
// what it measures itself.
#pragma once

#include <string>
#include <vector>

#include "base/json_reader.h"
#include "sim/cost/cost_table.h"

namespace moesim::experiments {

// A kernel named as a family of cost_table.h is that kernel; any other name is a whole layer.
//   gemm, grouped_gemm   [rows, hidden] x [hidden, inter]
//   permute, combine     rows of width hidden
//   attention            causal scores of `experts` heads, `hidden` wide together, over sequences
//                        of `inter` tokens
struct LatencyRow {
  std::string engine;
  std::string version;
  std::string kernel;
  int experts = 0;
  int topk = 1;
  int hidden = 0;
  int inter = 0;
  std::string distribution = "balanced";
  int tokens = 0;
  double latency_us = 0;
  std::string place;  // "file:line:column"
};

// Throws base::Error at the file, line and column of what is wrong.
std::vector<LatencyRow> read_latency_rows(const std::string& file);

// With the line of keys; `remark` goes in front, as '#' lines.
std::string latency_rows_text(const std::vector<LatencyRow>& rows, const std::string& remark);

std::string family_of(const LatencyRow& row);

// What the row's kernel did, with the counts per expert of its distribution. `element_bytes` as the
// model's; experts have three matrices unless the table says two.
sim::KernelWork work_of(const LatencyRow& row, const sim::CostTable& table, double element_bytes);

// The reason that the table gives for leaving the row out; "" where it does not.
std::string exclusion_of(const LatencyRow& row, const sim::CostTable& table);

void describe(base::FieldTable& table, LatencyRow& row);

}  // namespace moesim::experiments
