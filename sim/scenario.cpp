// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/data_directory.h"
#include "base/error.h"
#include "base/named_table.h"
#include "model/spec/model_spec.h"
#include "sim/job.h"

namespace moesim::sim {
namespace {

// Rows are counted in 32 bits, and one expert may get those of a whole group (w4 gives a rank up to
// half more tokens than the mean).
constexpr double kMostGroupPairs = 2147483647.0 / 1.5;
// A group's plan holds matrices of its ranks squared: 0.3 GB each at this size.
constexpr int kLargestGroup = 8192;
// Computations of one rank in one layer and micro-batch, forward and backward; an operation takes
// about 100 bytes.
constexpr double kOpsPerLayer = 8;
constexpr double kMostOps = 1e8;

// The divisors of `number` that lie around `wanted`: "32 or 64".
std::string nearest_divisors(int number, int wanted) {
  int below = 1;
  int above = number;
  for (int divisor = 1; divisor <= number; ++divisor) {
    if (number % divisor != 0) continue;
    if (divisor <= wanted) below = divisor;
    if (divisor >= wanted) above = std::min(above, divisor);
  }
  if (below == above) return std::to_string(below);
  return std::to_string(below) + " or " + std::to_string(above);
}

// The largest group that divides the ranks and leaves every rank an expert.
int default_expert_parallel(int num_ranks, int num_experts) {
  int size = 1;
  for (int divisor = 1; divisor <= std::min({num_ranks, num_experts, kLargestGroup}); ++divisor) {
    if (num_ranks % divisor == 0) size = divisor;
  }
  return size;
}

int expert_parallel_size(const Scenario& scenario, int num_ranks) {
  const std::optional<int>& given = scenario.parallel.expert_model_parallel_size;
  const int experts = scenario.model.num_experts;
  if (!given) return default_expert_parallel(num_ranks, experts);
  const std::string where = "/parallel/expert_model_parallel_size";
  if (*given > num_ranks || num_ranks % *given != 0) {
    throw base::Error(
        where,
        std::to_string(*given) + " ranks in a group do not divide " + std::to_string(num_ranks),
        "use " + nearest_divisors(num_ranks, *given));
  }
  if (*given > experts) {
    throw base::Error(where,
                      std::to_string(*given) + " ranks cannot share " + std::to_string(experts) +
                          " experts: some would hold none",
                      "use at most " + std::to_string(experts));
  }
  if (*given > kLargestGroup) {
    throw base::Error(where, std::to_string(*given) + " ranks are too many for one group",
                      "use at most " + std::to_string(kLargestGroup));
  }
  return *given;
}

int micro_batches(const TrainingConfig& training, int num_ranks) {
  if (!training.global_batch_size) return 1;
  const std::int64_t at_once = static_cast<std::int64_t>(num_ranks) * training.micro_batch_size;
  const std::int64_t batch = *training.global_batch_size;
  if (batch % at_once == 0) return static_cast<int>(batch / at_once);
  throw base::Error("/training/global_batch_size",
                    std::to_string(batch) + " sequences are not a multiple of " +
                        std::to_string(num_ranks) + " ranks x micro_batch_size " +
                        std::to_string(training.micro_batch_size),
                    "use " + std::to_string((batch / at_once + 1) * at_once));
}

int tokens_per_rank(const Scenario& scenario, const Sizes& sizes) {
  const double tokens =
      static_cast<double>(scenario.training.seq_length) * scenario.training.micro_batch_size;
  const double pairs = tokens * scenario.model.num_experts_per_tok * sizes.expert_parallel;
  if (pairs <= kMostGroupPairs) return static_cast<int>(tokens);
  throw base::Error(
      "/training/micro_batch_size",
      fmt::format("a group of {} ranks routes {:.0f} (token, expert) pairs at a time, "
                  "above {:.0f}",
                  sizes.expert_parallel, pairs, kMostGroupPairs),
      "lower seq_length, micro_batch_size or expert_model_parallel_size");
}

void check_step_size(const Scenario& scenario, const Sizes& sizes) {
  const double operations =
      kOpsPerLayer * sizes.num_ranks * sizes.num_micro_batches * scenario.model.num_hidden_layers;
  if (operations <= kMostOps) return;
  throw base::Error(
      "/training/global_batch_size",
      fmt::format("the step has about {:.0f} operations, above {:.0f}", operations, kMostOps),
      "lower global_batch_size, num_nodes or num_hidden_layers");
}

void check_routing(const Scenario& scenario, const Sizes& sizes) {
  const ProxySettings& proxy = scenario.routing.proxy;
  if (scenario.routing.source == RoutingSourceKind::numerics &&
      proxy.hidden_size % proxy.num_attention_heads != 0) {
    throw base::Error("/routing/proxy/num_attention_heads",
                      std::to_string(proxy.num_attention_heads) +
                          " heads do not divide hidden_size " + std::to_string(proxy.hidden_size),
                      "choose a divisor of hidden_size");
  }
  const SyntheticSettings& synthetic = scenario.routing.synthetic;
  if (scenario.routing.source == RoutingSourceKind::synthetic &&
      uses_hot_rank(synthetic.distribution) && synthetic.hot_rank >= sizes.expert_parallel) {
    throw base::Error("/routing/synthetic/hot_rank",
                      std::to_string(synthetic.hot_rank) + " is not in a group of " +
                          std::to_string(sizes.expert_parallel) + " ranks",
                      "use 0 to " + std::to_string(sizes.expert_parallel - 1));
  }
  if (scenario.routing.source == RoutingSourceKind::trace && scenario.routing.trace.empty()) {
    throw base::Error("/routing/trace", "routing.source is trace, but no file is named",
                      "name a file that a run with outputs.routing_trace wrote");
  }
}

// What of the router section a source without a gate follows.
constexpr std::array<std::string_view, 7> kWithoutGate = {"capacity_factor",
                                                          "min_capacity",
                                                          "rank_capacity_factor",
                                                          "capacity_ranks",
                                                          "token_drop_policy",
                                                          "overflow",
                                                          "seed"};

// A setting of the gate that differs from its default, though there is no gate.
void check_gate_is_there(const Scenario& scenario) {
  if (scenario.routing.source == RoutingSourceKind::numerics) return;
  const base::JsonValue given = base::to_json(scenario.router);
  RouterConfig ungated;  // with the capacity that decides which other keys are in use
  ungated.gate.capacity_factor = scenario.router.gate.capacity_factor;
  ungated.gate.rank_capacity_factor = scenario.router.gate.rank_capacity_factor;
  const base::JsonValue defaults = base::to_json(ungated);
  for (const base::JsonMember& member : given.members) {
    if (std::count(kWithoutGate.begin(), kWithoutGate.end(), member.key) > 0) continue;
    const base::JsonValue* unchanged = defaults.find(member.key);
    if (unchanged != nullptr && base::to_text(*unchanged) == base::to_text(member.value)) continue;
    throw base::Error("/router/" + member.key,
                      "it has no effect: routing.source is " +
                          base::name_in_words(scenario.routing.source) + ", which has no gate",
                      "leave it out, or use routing.source numerics");
  }
}

void check_router(const Scenario& scenario) {
  const model::RouterConfig gate =
      gate_of(scenario.router, scenario.model.num_experts, scenario.model.num_experts_per_tok);
  check_gate_is_there(scenario);
  model::validate(gate, "/router");
  if (scenario.routing.source != RoutingSourceKind::numerics &&
      gate.overflow == model::OverflowPolicy::next_best) {
    throw base::Error("/router/overflow",
                      "routing without a gate has no scores, so no next best expert",
                      "use drop, or routing.source numerics");
  }
}

void check_cost(const Scenario& scenario) {
  if (scenario.cost.source != CostSource::table) return;
  for (const topologies::NodeRun& run : topologies::runs_of(scenario.cluster)) {
    const auto table = cost_table_of(run.node->accelerator, run.where + "/node/accelerator");
    TableCost(table, scenario.cost.clocks, 0);
  }
}

}  // namespace

void require_recordable_routing(const Scenario& scenario) {
  const model::RouterConfig& gate = scenario.router.gate;
  const char* key = nullptr;
  if (gate.type == model::RouterType::expert_choice) key = "router.type expert_choice";
  if (gate.overflow == model::OverflowPolicy::next_best) key = "router.overflow next_best";
  if (gate.renormalise_after_drop) key = "router.renormalise_after_drop";
  if (key == nullptr) return;
  throw base::Error(
      "/outputs/routing_trace",
      std::string("a trace holds decisions before drops, and those of ") + key + " depend on them",
      "record without it, or leave the trace out");
}

void describe(base::FieldTable& table, TrainingConfig& training) {
  table.title("training", "The batch and its number formats.");
  table.field("seq_length", training.seq_length, "Tokens of a sequence.")
      .required()
      .at_least(1)
      .at_most(1 << 22);
  table
      .field("micro_batch_size", training.micro_batch_size,
             "Sequences that one rank processes at a time.")
      .at_least(1)
      .at_most(1 << 20);
  table
      .field("global_batch_size", training.global_batch_size,
             "Sequences of one step over all ranks, a multiple of ranks x micro_batch_size; "
             "null = one micro-batch per rank.")
      .at_least(1);
  table.field("dispatch_dtype", training.dispatch_dtype,
              "Format of the hidden states that the forward dispatch sends; combine and gradients "
              "are bf16.");
}

void describe(base::FieldTable& table, ParallelConfig& parallel) {
  table.title("parallel", "How the model is split over ranks. All ranks are data-parallel.");
  table
      .field("expert_model_parallel_size", parallel.expert_model_parallel_size,
             "Ranks that share one copy of the experts; null = the most that divides the cluster "
             "and leaves every rank an expert.")
      .alias("ep")
      .alias("ep_size")
      .at_least(1);
  table.field("expert_placement", parallel.expert_placement, "Which rank holds which expert.");
}

void describe(base::FieldTable& table, CommConfig& comm) {
  table.title("comm", "Collective algorithms, and what the library that runs them adds.");
  add_fields(table, comm.protocol);
  table.field("all_to_all", comm.all_to_all,
              "direct: every (token, expert) pair travels for itself. hierarchical_dedup: one copy "
              "per destination node over the fabric, then one per rank over the scale-up link. "
              "pairwise, ring, bruck: in rounds. hierarchical: rail by rail between nodes, then "
              "inside them, without leaving out copies. low_latency: direct, a message per row.");
  table.field("all_reduce", comm.all_reduce,
              "Sum of gradients: ring over all ranks, hierarchical (in the node, rings over "
              "nodes, in the node), tree (two binary trees), in_switch (switches that reduce), "
              "halving_doubling.");
}

base::JsonValue resolve_comm_preset(const base::JsonValue& section) {
  return base::resolve_preset(section, "sim/collectives/presets");
}

void describe(base::FieldTable& table, NetworkConfig& network) {
  table.title("network", "How transfers are simulated.");
  table.field(
      "fidelity", network.fidelity,
      "analytic: each collective alone, most loaded link (the floor). collective: a "
      "collective is one activity on all its links, sharing with others. flow: every message "
      "by itself, max-min fair; for expert-parallel groups of up to about 64 ranks.");
}

void describe(base::FieldTable& table, JobConfig& job) {
  table.title("job",
              "A workload beside others on the cluster. Its sections are merged over the "
              "experiment's own, or replace them where they name a preset.");
  table.field("name", job.name, "What reports call it.").required();
  table.field("start", job.start, "When it starts, from the begin of the run.").at_least(0);
  table.field("nodes", job.nodes, "The nodes it runs on, all of their accelerators.").at_least(0);
  table.field("ranks", job.ranks, "Instead of nodes: its accelerators by their rank.").at_least(0);
  table.field("model", job.model, "Its model.").required();
  table.field("training", job.training, "Its batch.").required();
  table.field("parallel", job.parallel, "How its model is split over its ranks.");
  table.field("router", job.router, "Capacity, drops and balance.");
  table.field("routing", job.routing, "Where its routing comes from.");
  table.field("comm", job.comm,
              "Its collective algorithms; link efficiencies are the experiment's for all jobs.");
}

Sizes validate_workload(const Scenario& scenario, int num_ranks) {
  model::validate(scenario.model);
  Sizes sizes;
  sizes.num_ranks = num_ranks;
  sizes.expert_parallel = expert_parallel_size(scenario, sizes.num_ranks);
  sizes.num_groups = sizes.num_ranks / sizes.expert_parallel;
  sizes.num_micro_batches = micro_batches(scenario.training, sizes.num_ranks);
  sizes.tokens_per_rank = tokens_per_rank(scenario, sizes);
  check_step_size(scenario, sizes);
  check_router(scenario);
  check_routing(scenario, sizes);
  for (const topologies::NodeRun& run : topologies::runs_of(scenario.cluster)) {
    validate(scenario.comm.protocol, run.node->accelerator, "/comm");
  }
  return sizes;
}

Sizes validate(const Scenario& scenario) {
  topologies::validate(scenario.cluster);
  check_cost(scenario);
  validate(scenario.faults);
  return jobs_of(scenario).front().sizes;
}

}  // namespace moesim::sim
