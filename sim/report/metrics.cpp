// SPDX-License-Identifier: Apache-2.0
#include "sim/report/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/named_table.h"
#include "sim/cost/roofline.h"
#include "sim/report/step_analysis.h"
#include "sim/step/memory.h"

namespace moesim::sim {
namespace {

constexpr int kLinksShown = 8;
// From where on a reader should know before reading on.
constexpr double kHighDropRate = 0.1;
constexpr double kHeldUp = 1.05;

std::map<std::string, double> by_name(const PhaseTimes& times) {
  std::map<std::string, double> named;
  for (int phase = 0; phase < kNumPhases; ++phase) {
    named[std::string(name_of(static_cast<Phase>(phase)))] = times.phases[phase].value;
  }
  named["idle"] = times.idle.value;
  return named;
}

// Adds up one figure of the plans: [layer][place], over micro-batches and groups.
template <class Add>
std::vector<std::vector<std::int64_t>> per_layer(const MetricsInput& input, std::size_t places,
                                                 const Add& add) {
  std::vector<std::vector<std::int64_t>> loads;
  for (const auto& layers : input.plans) {
    loads.resize(layers.size(), std::vector<std::int64_t>(places));
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      for (std::size_t group = 0; group < layers[layer].size(); ++group) {
        add(layers[layer][group], static_cast<int>(group), loads[layer]);
      }
    }
  }
  return loads;
}

LoadFigures load_figures(const std::vector<std::vector<std::int64_t>>& loads) {
  LoadFigures figures;
  for (const auto& layer : loads) figures.per_layer.push_back(model::load_statistics(layer));
  figures.mean = model::mean_of(figures.per_layer);
  return figures;
}

LoadFigures expert_figures(const MetricsInput& input, std::vector<int> DispatchPlan::*rows) {
  const auto experts = static_cast<std::size_t>(input.placement.num_experts());
  return load_figures(per_layer(
      input, experts, [&](const DispatchPlan& plan, int, std::vector<std::int64_t>& loads) {
        for (std::size_t expert = 0; expert < experts; ++expert) {
          loads[expert] += (plan.*rows)[expert];
        }
      }));
}

LoadFigures rank_figures(const MetricsInput& input) {
  return load_figures(
      per_layer(input, static_cast<std::size_t>(input.sizes.num_ranks),
                [&](const DispatchPlan& plan, int group, std::vector<std::int64_t>& loads) {
                  for (int position = 0; position < plan.num_ranks; ++position) {
                    loads[group * plan.num_ranks + position] += plan.rows_of_rank(position);
                  }
                }));
}

// Totals that only the plans know.
struct RoutingTotals {
  double tokens = 0;
  double routed = 0;
  double dropped = 0;
  double padded_rows = 0;
  double real_rows = 0;
};

RoutingTotals routing_totals(const StepPlans& plans) {
  RoutingTotals totals;
  for (const auto& layers : plans) {
    for (const DispatchPlan& plan : layers.front()) {
      totals.tokens += std::accumulate(plan.tokens.begin(), plan.tokens.end(), 0.0);
    }
    for (const auto& groups : layers) {
      for (const DispatchPlan& plan : groups) {
        totals.routed += static_cast<double>(plan.routed_pairs);
        totals.dropped += static_cast<double>(plan.dropped_pairs);
        const double rows = std::accumulate(plan.expert_rows.begin(), plan.expert_rows.end(), 0.0);
        totals.real_rows += rows;
        totals.padded_rows += rows / (1.0 - padding_share(plan.expert_rows));
      }
    }
  }
  return totals;
}

// What `rank` works on in one micro-batch.
RankWork work_of(const MetricsInput& input, int micro_batch, int rank) {
  const int group = rank / input.placement.num_ranks;
  const int position = rank % input.placement.num_ranks;
  RankWork work;
  work.experts_held = static_cast<double>(input.placement.experts_of_rank(position).size());
  for (const auto& groups : input.plans[micro_batch]) {
    const DispatchPlan& plan = groups[group];
    const int* sent = plan.rows.data() + static_cast<std::ptrdiff_t>(position) * plan.num_ranks;
    work.tokens = plan.tokens[position];
    work.rows_sent += std::accumulate(sent, sent + plan.num_ranks, 0.0);
    work.rows_received += static_cast<double>(plan.rows_of_rank(position));
  }
  return work;
}

MemoryFigures memory_figures(const MetricsInput& input) {
  RankMemory fullest;
  for (int micro_batch = 0; micro_batch < input.sizes.num_micro_batches; ++micro_batch) {
    for (int rank = 0; rank < input.sizes.num_ranks; ++rank) {
      const RankMemory memory =
          rank_memory(input.scenario.model, work_of(input, micro_batch, rank));
      if (memory.peak() > fullest.peak()) fullest = memory;
    }
  }
  return {fullest.weights.value, fullest.gradients.value, fullest.optimizer.value,
          fullest.activations.value, fullest.peak().value};
}

// The one with the least memory among those that the step runs on.
const topologies::Accelerator& smallest_accelerator(const MetricsInput& input) {
  const topologies::Accelerator* smallest = nullptr;
  for (const int rank : input.graph.ranks) {
    const auto& accelerator = topologies::accelerator_of_rank(input.scenario.cluster, rank);
    if (smallest == nullptr || accelerator.memory < smallest->memory) smallest = &accelerator;
  }
  return *smallest;
}

base::FlopsPerSecond mean_peak(const MetricsInput& input) {
  base::FlopsPerSecond sum;
  for (const int rank : input.graph.ranks) {
    sum += topologies::accelerator_of_rank(input.scenario.cluster, rank).peak_bf16;
  }
  return sum / static_cast<double>(input.graph.ranks.size());
}

// Each accelerator that the step runs on, once.
std::vector<const topologies::Accelerator*> accelerators_of(const MetricsInput& input) {
  std::vector<const topologies::Accelerator*> accelerators;
  for (const int rank : input.graph.ranks) {
    const auto* accelerator = &topologies::accelerator_of_rank(input.scenario.cluster, rank);
    if (std::find(accelerators.begin(), accelerators.end(), accelerator) == accelerators.end()) {
      accelerators.push_back(accelerator);
    }
  }
  return accelerators;
}

void warn_of_other_machines(const MetricsInput& input, std::vector<std::string>& warnings) {
  if (input.scenario.cost.source == CostSource::roofline) return;
  for (const topologies::Accelerator* accelerator : accelerators_of(input)) {
    const auto table = input.tables.of(*accelerator);
    const auto warning = other_machine_warning(*table, *accelerator);
    const bool is_new = warning && std::count(warnings.begin(), warnings.end(), *warning) == 0;
    if (is_new) warnings.push_back(*warning);
  }
}

std::vector<std::string> warnings_of(const MetricsInput& input, const Result& result) {
  std::vector<std::string> warnings;
  const topologies::Accelerator& accelerator = smallest_accelerator(input);
  if (result.memory_bytes_per_rank.peak > accelerator.memory.value) {
    warnings.push_back(fmt::format(
        "out of memory: the fullest rank needs {:.1f} GB of {:.1f} GB; times are as if it fitted",
        result.memory_bytes_per_rank.peak / 1e9, accelerator.memory.value / 1e9));
  }
  if (input.scenario.network.fidelity == Fidelity::analytic && !result.hottest_links.empty() &&
      result.hottest_links.front().busy_fraction > 1) {
    warnings.push_back(
        "a link is asked for more than it has: the analytic network lets collectives overlap "
        "without sharing links");
  }
  if (result.drop_rate > kHighDropRate) {
    warnings.push_back(fmt::format(
        "{:.1f} % of the (token, expert) pairs were dropped; MFU and TFLOP/s count them as done",
        result.drop_rate * 100));
  }
  const double over_floor = result.step_time_s / result.analytic_floor_s;
  const bool is_undisturbed = input.scenario.faults.empty();
  if (is_undisturbed && over_floor > kHeldUp) {
    warnings.push_back(fmt::format(
        "transfers hold each other up on shared links ({:.2f}x the floor); where routes are "
        "hashed, sweep cluster.ecmp_seed to see how much of it is chance",
        over_floor));
  }
  if (!accelerator.num_sms) {
    warnings.push_back(accelerator.name +
                       " has no num_sms: the compute model rounds up tiles but not waves");
  }
  warn_of_other_machines(input, warnings);
  return warnings;
}

void fill_speed(const MetricsInput& input, double tokens, Result& result) {
  const double flops =
      tokens *
      model_flops_per_token(input.scenario.model, input.scenario.training.seq_length).value;
  result.scenario.tokens = tokens;
  result.peak_tflops_used = mean_peak(input).value / 1e12;
  if (result.step_time_s == 0) return;  // a counterfactual without anything that takes time
  result.tokens_per_s = tokens / result.step_time_s;
  result.tokens_per_s_per_gpu = result.tokens_per_s / input.sizes.num_ranks;
  result.tflops_per_gpu = flops / (result.step_time_s * input.sizes.num_ranks) / 1e12;
  result.mfu = result.tflops_per_gpu / result.peak_tflops_used;
}

void fill_times(const MetricsInput& input, Result& result) {
  const double simulated = input.timeline.end.value;
  result.step_time_s = simulated;
  if (input.cluster.changes.empty()) {
    CHECK(simulated >= input.floor.value * (1.0 - 1e-9), "INV-4: never below the analytic floor");
    // The engine's clock adds up rounded steps; the floor is what it cannot be below.
    result.step_time_s = std::max(simulated, input.floor.value);
  }
  result.analytic_floor_s = input.floor.value;
  const PhaseTimes critical = critical_path(input.graph, input.timeline);
  CHECK(std::abs(critical.total().value - simulated) <= 1e-9 * simulated,
        "the critical path's phases sum to the step");
  result.phase_time_s = by_name(critical);
  result.mean_rank_time_s = by_name(mean_rank_times(input.graph, input.timeline));
  const Overlap overlap = overlap_of(input.graph, input.timeline);
  result.exposed_communication_s = overlap.exposed.value;
  result.overlap_fraction = overlap.fraction;
}

}  // namespace

Result compute_result(const MetricsInput& input) {
  Result result;
  result.scenario.name = input.scenario.name;
  result.scenario.point = input.scenario.point;
  result.routing_source = input.source.description();
  result.cost_source = cost_source_text(input.scenario.cost, accelerators_of(input), input.tables);
  result.scenario.fidelity = base::name_in_words(input.scenario.network.fidelity);
  result.scenario.num_ranks = input.sizes.num_ranks;
  result.scenario.expert_model_parallel_size = input.sizes.expert_parallel;
  fill_times(input, result);
  const RoutingTotals totals = routing_totals(input.plans);
  fill_speed(input, totals.tokens, result);
  result.drop_rate = totals.routed == 0 ? 0.0 : totals.dropped / totals.routed;
  result.padding_share =
      totals.padded_rows == 0 ? 0.0 : 1.0 - totals.real_rows / totals.padded_rows;
  result.expert_load = expert_figures(input, &DispatchPlan::expert_rows);
  result.expert_demand = expert_figures(input, &DispatchPlan::expert_demand);
  result.rank_load = rank_figures(input);
  result.all_to_all =
      all_to_all_figures(input.graph, input.timeline, input.cluster.router.cluster());
  LinkReport links = link_report(input.graph, input.timeline, base::Seconds(result.step_time_s),
                                 input.cluster, kLinksShown);
  result.hottest_links = std::move(links.hottest);
  result.link_tiers = std::move(links.tiers);
  result.deciding_tier = std::move(links.deciding_tier);
  result.memory_bytes_per_rank = memory_figures(input);
  result.validation_loss = input.source.validation_loss();
  result.warnings = warnings_of(input, result);
  return result;
}

}  // namespace moesim::sim
