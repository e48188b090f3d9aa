// SPDX-License-Identifier: Apache-2.0
// The router and routing sections of an experiment.
#pragma once

#include <cstdint>
#include <string>

#include "base/json_reader.h"
#include "model/router/router_config.h"

namespace moesim::sim {

enum class RoutingSourceKind { numerics, synthetic, trace };
base::EnumNames<RoutingSourceKind> names_of(RoutingSourceKind);

// The router section of an experiment. The sizes that the gate also has, num_experts and top_k, are
// the model's (gate_of).
struct RouterConfig {
  model::RouterConfig gate;
  std::uint64_t seed = 0;
};

// The section's gate with the model's sizes in place.
model::RouterConfig gate_of(const RouterConfig& router, int num_experts, int top_k);

// The proxy's sizes and training (model/proxy.h).
struct ProxySettings {
  std::string text;  // file or folder, relative to the experiment file; "": the program's own texts
  int hidden_size = 32;
  int num_attention_heads = 2;
  int moe_intermediate_size = 16;
  int window = 128;
  int batch_size = 8;
  int train_steps = 50;
  double learning_rate = 3e-3;
};

// How likely each expert is. w0..w7 are the workloads that users of MoE systems ask for
// (docs/models.md, "Synthetic routing").
enum class Distribution {
  uniform,
  zipf,
  dirichlet,
  w0_balanced,
  w1_hot_expert_set,
  w2_hot_rank,
  w3_spread_hot_experts,
  w4_ragged_source,
  w5_rank_without_tokens,
  w6_rotating_hot_spot,
  w7_burst,
};
base::EnumNames<Distribution> names_of(Distribution);
// Whether `hot_rank` says which rank is the special one.
bool uses_hot_rank(Distribution distribution);

struct SyntheticSettings {
  Distribution distribution = Distribution::uniform;
  double zipf_exponent = 0.5;
  double dirichlet_alpha = 1.0;
  double hot_factor = 8.0;  // weight of a hot expert, that of any other being 1
  int hot_rank = 0;         // position in the expert-parallel group
};

struct RoutingConfig {
  RoutingSourceKind source = RoutingSourceKind::numerics;
  ProxySettings proxy;
  SyntheticSettings synthetic;
  std::string trace;  // file, relative to the experiment file
};

void describe(base::FieldTable& table, RouterConfig& router);
void describe(base::FieldTable& table, ProxySettings& proxy);
void describe(base::FieldTable& table, SyntheticSettings& synthetic);
void describe(base::FieldTable& table, RoutingConfig& routing);

}  // namespace moesim::sim
