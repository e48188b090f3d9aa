// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/routing_config.h"

namespace moesim::sim {

base::EnumNames<RoutingSourceKind> names_of(RoutingSourceKind) {
  return {{RoutingSourceKind::numerics, "numerics"},
          {RoutingSourceKind::synthetic, "synthetic"},
          {RoutingSourceKind::trace, "trace"}};
}

base::EnumNames<Distribution> names_of(Distribution) {
  return {{Distribution::uniform, "uniform"},
          {Distribution::zipf, "zipf"},
          {Distribution::dirichlet, "dirichlet"},
          {Distribution::w0_balanced, "w0_balanced"},
          {Distribution::w1_hot_expert_set, "w1_hot_expert_set"},
          {Distribution::w2_hot_rank, "w2_hot_rank"},
          {Distribution::w3_spread_hot_experts, "w3_spread_hot_experts"},
          {Distribution::w4_ragged_source, "w4_ragged_source"},
          {Distribution::w5_rank_without_tokens, "w5_rank_without_tokens"},
          {Distribution::w6_rotating_hot_spot, "w6_rotating_hot_spot"},
          {Distribution::w7_burst, "w7_burst"}};
}

bool uses_hot_rank(Distribution distribution) {
  using enum Distribution;
  return distribution == w2_hot_rank || distribution == w5_rank_without_tokens ||
         distribution == w6_rotating_hot_spot || distribution == w7_burst;
}

model::RouterConfig gate_of(const RouterConfig& router, int num_experts, int top_k) {
  model::RouterConfig gate = router.gate;
  gate.num_experts = num_experts;
  gate.top_k = top_k;
  return gate;
}

void describe(base::FieldTable& table, RouterConfig& router) {
  table.title("router",
              "How tokens choose experts. Synthetic and recorded routing take capacity and drops "
              "from here; everything else needs a gate (routing.source numerics).");
  model::describe_policy(table, router.gate);
  table.field("seed", router.seed, "Seed of everything random in the routing.");
}

void describe(base::FieldTable& table, ProxySettings& proxy) {
  table.title("proxy",
              "The small MoE-GPT whose trained gate stands in for the full model's: same experts, "
              "top-k, capacity and number of MoE layers.");
  table.field("text", proxy.text,
              "Text file or folder to train on and to route, relative to the experiment file; "
              "empty = the program's own text.");
  table.field("hidden_size", proxy.hidden_size, "Width of the proxy.").at_least(2).at_most(4096);
  table.field("num_attention_heads", proxy.num_attention_heads, "Heads; must divide hidden_size.")
      .at_least(1)
      .at_most(256);
  table.field("moe_intermediate_size", proxy.moe_intermediate_size, "Hidden size of each expert.")
      .at_least(1)
      .at_most(16384);
  table.field("window", proxy.window, "Bytes that attention sees at once.")
      .at_least(2)
      .at_most(8192);
  table.field("batch_size", proxy.batch_size, "Windows in one training step.")
      .at_least(1)
      .at_most(4096);
  table.field("train_steps", proxy.train_steps, "Training steps before the routing is taken.")
      .at_least(0)
      .at_most(1e7);
  table.field("learning_rate", proxy.learning_rate, "Peak learning rate of Adam.")
      .above(0)
      .at_most(10);
}

void describe(base::FieldTable& table, SyntheticSettings& synthetic) {
  using enum Distribution;
  const Distribution d = synthetic.distribution;
  const bool has_hot_factor = d == w1_hot_expert_set || d == w2_hot_rank ||
                              d == w3_spread_hot_experts || d == w6_rotating_hot_spot ||
                              d == w7_burst;
  table.title("synthetic", "Routing drawn from a distribution over experts.");
  table.field("distribution", synthetic.distribution,
              "How likely each expert is; every token draws its own distinct top-k.");
  table
      .field("zipf_exponent", synthetic.zipf_exponent,
             "s of the weights 1 / i^s over a random order of the experts, another in each layer.")
      .at_least(0)
      .at_most(10)
      .used_when(d == zipf, "routing.synthetic.distribution is zipf");
  table
      .field("dirichlet_alpha", synthetic.dirichlet_alpha,
             "Concentration; small values are skewed, large ones even.")
      .above(0)
      .at_most(1e6)
      .used_when(d == dirichlet, "routing.synthetic.distribution is dirichlet");
  table
      .field("hot_factor", synthetic.hot_factor,
             "Weight of a hot expert, that of any other being 1.")
      .above(0)
      .at_most(1e9)
      .used_when(has_hot_factor, "routing.synthetic.distribution is w1, w2, w3, w6 or w7");
  table
      .field("hot_rank", synthetic.hot_rank,
             "Position of the hot (w5: the empty) rank in its expert-parallel group.")
      .at_least(0)
      .used_when(uses_hot_rank(d), "routing.synthetic.distribution is w2, w5, w6 or w7");
}

void describe(base::FieldTable& table, RoutingConfig& routing) {
  table.title("routing", "Where the decisions token -> experts come from.");
  table.field(
      "source", routing.source,
      "numerics: a gate trained and run on real text. synthetic: drawn from a distribution. "
      "trace: a recorded file.");
  table.field("proxy", routing.proxy, "Settings of the numerics source.")
      .used_when(routing.source == RoutingSourceKind::numerics, "routing.source is numerics");
  table.field("synthetic", routing.synthetic, "Settings of the synthetic source.")
      .used_when(routing.source == RoutingSourceKind::synthetic, "routing.source is synthetic");
  table
      .field("trace", routing.trace,
             "Routing trace to replay (docs/file_formats.md), relative to the experiment file; to "
             "the working directory where --set names it.")
      .used_when(routing.source == RoutingSourceKind::trace, "routing.source is trace");
}

}  // namespace moesim::sim
