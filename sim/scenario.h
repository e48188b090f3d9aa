// SPDX-License-Identifier: Apache-2.0
// One point of an experiment: everything that decides a simulated step, as plain values.
#pragma once

#include <optional>
#include <string>

#include "base/json_reader.h"
#include "model/spec/model_spec.h"
#include "sim/collectives/all_reduce.h"
#include "sim/collectives/all_to_all.h"
#include "sim/collectives/protocol.h"
#include "sim/cost/table_cost.h"
#include "sim/faults/fault.h"
#include "sim/network/network.h"
#include "sim/plan/placement.h"
#include "sim/routing/routing_source.h"
#include "topologies/cluster_config.h"

namespace moesim::sim {

struct TrainingConfig {
  int seq_length = 0;
  int micro_batch_size = 1;              // sequences of one rank in one micro-batch
  std::optional<int> global_batch_size;  // sequences of a step; null: one micro-batch per rank
  WireType dispatch_dtype = WireType::bf16;
};

struct ParallelConfig {
  std::optional<int> expert_model_parallel_size;  // null: the most that divides the ranks
  ExpertPlacement expert_placement = ExpertPlacement::contiguous;
};

struct CommConfig {
  AllToAll all_to_all = AllToAll::direct;
  AllReduce all_reduce = AllReduce::hierarchical;
  Protocol protocol;  // its keys stand beside the algorithms
};

struct NetworkConfig {
  Fidelity fidelity = Fidelity::collective;
};

// One of several workloads that share the cluster: what runs, where, and from when on.
struct JobConfig {
  std::string name;
  base::Seconds start;     // from the run's begin
  std::vector<int> nodes;  // whole nodes of the cluster; or
  std::vector<int> ranks;  // single accelerators. No two jobs share one.
  model::ModelSpec model;
  TrainingConfig training;
  ParallelConfig parallel;
  RouterConfig router;
  RoutingConfig routing;
  CommConfig comm;  // its bandwidth efficiencies have no effect: those of the experiment hold
};

struct Scenario {
  std::string name;   // the experiment's
  std::string point;  // the point's id within the experiment; "" when there is one point
  model::ModelSpec model;
  TrainingConfig training;
  ParallelConfig parallel;
  RouterConfig router;
  RoutingConfig routing;
  topologies::ClusterConfig cluster;
  CostConfig cost;
  CommConfig comm;
  NetworkConfig network;
  FaultsConfig faults;
  std::vector<JobConfig> jobs;  // instead of one on all ranks; the first is reported in full
};

void describe(base::FieldTable& table, TrainingConfig& training);
void describe(base::FieldTable& table, ParallelConfig& parallel);
void describe(base::FieldTable& table, CommConfig& comm);
void describe(base::FieldTable& table, NetworkConfig& network);
void describe(base::FieldTable& table, JobConfig& job);

// Replaces the section's `preset` by its file in sim/collectives/presets, see base::resolve_preset.
base::JsonValue resolve_comm_preset(const base::JsonValue& section);

// Sizes that follow from a scenario's own.
struct Sizes {
  int num_ranks = 0;
  int expert_parallel = 0;  // ranks of an expert-parallel group
  int num_groups = 0;       // num_ranks / expert_parallel
  int num_micro_batches = 0;
  int tokens_per_rank = 0;  // in one micro-batch
};

// Throws base::Error at /outputs/routing_trace where a recorded routing could not be replayed:
// decisions that depend on capacity, or weights that are those after drops.
void require_recordable_routing(const Scenario& scenario);

// Checks what single fields cannot (batch divides, groups divide, enough experts, ...) of a
// workload on `num_ranks` ranks of the scenario's cluster, and derives the sizes. Throws
// base::Error with where = the JSON pointer and the nearest value that works.
Sizes validate_workload(const Scenario& scenario, int num_ranks);

// The same of the whole scenario, with its cluster, faults and all jobs ("/jobs/1/parallel/...").
// The sizes are those of the first job, or of the one workload.
Sizes validate(const Scenario& scenario);

}  // namespace moesim::sim
