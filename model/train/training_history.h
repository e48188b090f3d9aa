// SPDX-License-Identifier: Apache-2.0
// How a training went: the numbers of every step, and what the experts were used for. Free of
// Eigen.
#pragma once

#include <cstdint>
#include <vector>

#include "model/balance/expert_usage.h"
#include "model/router/routing_batch.h"

namespace moesim::model {

struct StepRecord {
  int step = 0;              // from 1
  double loss = 0;           // mean cross entropy of the step's batch, nats per byte
  double balance = 0;        // balancing losses, coefficients included
  double grad_norm = 0;      // of all gradients together, before clipping
  double learning_rate = 0;  // of the step, before multipliers
  std::int64_t tokens = 0;   // of the step

  bool operator==(const StepRecord&) const = default;
};

struct ValidationRecord {
  int step = 0;     // steps done
  double loss = 0;  // mean cross entropy of the held-out windows, nats per byte

  bool operator==(const ValidationRecord&) const = default;
};

// The experts over some consecutive steps.
struct UsageRow {
  int first_step = 0;
  int last_step = 0;
  std::vector<LayerUsage> layers;  // the MoE layers, in order

  bool operator==(const UsageRow&) const = default;
};

struct TrainingHistory {
  std::vector<StepRecord> steps;
  std::vector<ValidationRecord> validations;
  std::vector<UsageRow> usage;  // all of the same layers and experts

  bool operator==(const TrainingHistory&) const = default;
};

// What one step did.
struct StepReport {
  StepRecord record;  // also the last of the state's history
  // The gate's decisions of the step: one entry per micro-batch and MoE layer, layers innermost.
  std::vector<RoutingBatch> routing;
  std::vector<LayerUsage> usage;  // the same, counted: one entry a MoE layer
};

// Adds a step's usage, one entry a MoE layer, to the last row, or to a new one where that has
// `steps_per_row` steps.
void record_usage(int step, int steps_per_row, const std::vector<LayerUsage>& usage,
                  TrainingHistory& history);

// The sum of all rows; empty without any.
std::vector<LayerUsage> total_usage(const TrainingHistory& history);

// nats / ln 2.
double bits_per_byte(double nats);

}  // namespace moesim::model
