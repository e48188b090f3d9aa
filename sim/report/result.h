// SPDX-License-Identifier: Apache-2.0
// The answer: every figure of one simulated step, in SI units with the unit in the name. The field
// tables here are the result file's keys and its reference page.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "model/balance/load_statistics.h"

namespace moesim::sim {

struct ScenarioFigures {
  std::string name;
  std::string point;
  int index = 0;  // of the point in its sweep
  std::map<std::string, base::JsonValue> swept;
  std::string fidelity;
  int num_ranks = 0;
  int expert_model_parallel_size = 0;
  double tokens = 0;  // of the step, all ranks
};

// Load statistics averaged over MoE layers, and for each.
struct LoadFigures {
  model::LoadStatistics mean;
  std::vector<model::LoadStatistics> per_layer;
};

struct AllToAllFigures {
  double busbw_gbps = 0;       // S / t x (n-1)/n over all all-to-alls of the step, GB = 1e9
  double mean_send_bytes = 0;  // S: payload per rank and all-to-all
  double max_send_bytes = 0;   // largest of any rank in any all-to-all, to others
  double max_receive_bytes = 0;
  double inter_node_bytes = 0;  // of the whole step
};

struct LinkFigures {
  std::string name;
  double bytes = 0;
  double busy_fraction = 0;  // bytes / (bandwidth x step time)
  std::optional<int> rank;   // whose accelerator or NIC stands at one end, if any
};

// Links of one kind and height: "scale_up", "pcie", "nic", "fabric 1-2" (leaf to spine), ...
struct TierFigures {
  std::string tier;
  double bytes = 0;
  double busy_fraction = 0;  // of its busiest link, as LinkFigures
  double bound_time_s = 0;   // of the collectives whose busiest link is one of these
};

// A job beside others.
struct JobFigures {
  std::string name;
  double start_s = 0;
  int num_ranks = 0;
  double step_time_s = 0;  // from its own start
  double analytic_floor_s = 0;
  double tokens_per_s = 0;
  double exposed_communication_s = 0;
  double drop_rate = 0;
};

// Collectives started, and those worked out because no equal one had been.
struct RepetitionFigures {
  int collectives = 0;
  int worked_out = 0;
};

struct MemoryFigures {  // of the rank that needs most
  double weights = 0;
  double gradients = 0;
  double optimizer = 0;
  double activations = 0;
  double peak = 0;
};

struct Result {
  std::string status = "ok";  // ok, failed, skipped
  std::string reason;
  ScenarioFigures scenario;
  std::string routing_source;
  std::string cost_source;
  double step_time_s = 0;
  double tokens_per_s = 0;
  double tokens_per_s_per_gpu = 0;
  double tflops_per_gpu = 0;
  double mfu = 0;
  double peak_tflops_used = 0;
  double analytic_floor_s = 0;
  std::map<std::string, double> phase_time_s;      // along the critical path
  std::map<std::string, double> mean_rank_time_s;  // a mean rank's day, idle included
  double exposed_communication_s = 0;
  double overlap_fraction = 0;
  double drop_rate = 0;
  double padding_share = 0;
  LoadFigures expert_load;
  LoadFigures expert_demand;
  LoadFigures rank_load;
  AllToAllFigures all_to_all;
  std::vector<LinkFigures> hottest_links;
  std::vector<TierFigures> link_tiers;
  std::string deciding_tier;  // with the most bound_time_s; "" without traffic
  std::vector<JobFigures> jobs;
  int faults = 0;
  RepetitionFigures repetition;
  MemoryFigures memory_bytes_per_rank;
  std::optional<double> validation_loss;
  std::vector<std::string> warnings;
};

// The time of all collectives, each counted by itself: groups that exchange at the same time add up
// to more than the step.
double bound_time_of(std::span<const TierFigures> tiers);

void describe(base::FieldTable& table, ScenarioFigures& scenario);
void describe(base::FieldTable& table, LoadFigures& load);
void describe(base::FieldTable& table, AllToAllFigures& figures);
void describe(base::FieldTable& table, LinkFigures& link);
void describe(base::FieldTable& table, TierFigures& tier);
void describe(base::FieldTable& table, MemoryFigures& memory);
void describe(base::FieldTable& table, Result& result);

}  // namespace moesim::sim
