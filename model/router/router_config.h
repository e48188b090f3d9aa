// SPDX-License-Identifier: Apache-2.0
// How tokens choose experts, and what pulls the choices towards balance: the settings that a file
// can name. Every enum's names are the one visible table of its policies.
#pragma once

#include <cstdint>
#include <optional>

#include "base/json_reader.h"

namespace moesim::model {

// Who chooses whom.
enum class RouterType {
  top_k,          // each token its top_k best experts
  group_limited,  // the same within the topk_group best groups (DeepSeek-V2 and V3)
  noisy_top_k,    // top_k of logits with Gaussian noise (Shazeer 2017, arXiv 1701.06538, eq. 3-5)
  expert_choice,  // each expert its best tokens (arXiv 2202.09368, section 3.2)
  hash,           // a fixed function of the token's byte (Hash Layers, arXiv 2106.04426)
  random,         // uniform, anew in every pass
  two_level,      // group then expert (Shazeer 2017, appendix B): p = p(group) p(expert | group)
  sinkhorn,       // top_k of Sinkhorn-balanced logits while training (BASE, arXiv 2103.16716;
                  // S-BASE, arXiv 2202.01169)
};
base::EnumNames<RouterType> names_of(RouterType);

enum class ScoreFunction { softmax, sigmoid };
base::EnumNames<ScoreFunction> names_of(ScoreFunction);

// What the chosen scores become. All are then multiplied by routed_scaling_factor.
enum class RoutingWeights {
  renormalised,      // divided by their sum: they sum to 1
  softmax_selected,  // softmax over the chosen logits (Mixtral): they sum to 1
  as_is,             // the scores themselves
};
base::EnumNames<RoutingWeights> names_of(RoutingWeights);

enum class NoiseScale { fixed, learned };
base::EnumNames<NoiseScale> names_of(NoiseScale);

// Who is turned away when an expert is full: the pairs with the lowest routing weight (`probs`;
// ties by later token), or the latest tokens (`position`).
enum class TokenDropPolicy { probs, position };
base::EnumNames<TokenDropPolicy> names_of(TokenDropPolicy);

// Where a pair goes that a full expert turned away: nowhere (the residual passes), or to the
// token's next best expert that has room.
enum class OverflowPolicy { drop, next_best };
base::EnumNames<OverflowPolicy> names_of(OverflowPolicy);

// Weights of the balancing losses in the total loss; 0: not computed (router/balance_loss.h).
struct BalanceConfig {
  double aux_loss_coef = 1e-2;      // Switch, arXiv 2101.03961, eq. 4
  double seq_aux_loss_coef = 0;     // the same per sequence, arXiv 2412.19437, eq. 17-20
  double importance_loss_coef = 0;  // CV^2 of the summed weights, arXiv 1701.06538, eq. 6-7
  double load_loss_coef = 0;        // CV^2 of the smooth load, the same, eq. 8-11; noisy_top_k only
  double variance_loss_coef = 0;    // variance of the mean scores
  double z_loss_coef = 0;           // mean squared logsumexp, ST-MoE, arXiv 2202.08906, eq. 5
  // Loss-free balancing (arXiv 2408.15664, algorithm 1): after each step an expert's selection bias
  // moves by this much towards the mean load. 0: there is no selection bias.
  double bias_update_rate = 0;

  bool operator==(const BalanceConfig&) const = default;
};

struct RouterConfig {
  int num_experts = 8;
  int top_k = 2;
  RouterType type = RouterType::top_k;
  ScoreFunction score_function = ScoreFunction::softmax;
  RoutingWeights weights = RoutingWeights::renormalised;
  double routed_scaling_factor = 1;
  int n_group = 1;                               // group_limited, two_level
  int topk_group = 1;                            // groups that a token may use
  NoiseScale noise_scale = NoiseScale::learned;  // noisy_top_k
  double noise_std = 1;                          // noisy_top_k with a fixed scale
  double input_jitter = 0;                       // router input x uniform(1 - j, 1 + j); Switch
  std::optional<double> capacity_factor;         // null: dropless
  int min_capacity = 1;                          // least slots of an expert
  int capacity_ranks = 1;                        // ranks that share the experts out, contiguous
  std::optional<double> rank_capacity_factor;    // bounds each rank's pairs in the same way
  TokenDropPolicy token_drop_policy = TokenDropPolicy::probs;
  OverflowPolicy overflow = OverflowPolicy::drop;
  bool renormalise_after_drop = false;  // the kept weights sum to what all did
  int sinkhorn_iterations = 8;
  BalanceConfig balance;

  bool operator==(const RouterConfig&) const = default;
};

// Scores come from a trained gate; hash and random have none.
bool has_gate(const RouterConfig& router);
// A capacity can turn pairs away. Under expert_choice it says how many tokens an expert takes.
bool can_drop(const RouterConfig& router);

void describe(base::FieldTable& table, RouterConfig& router);
// Everything but the sizes num_experts and num_experts_per_tok, for a file that has those
// elsewhere.
void describe_policy(base::FieldTable& table, RouterConfig& router);

// Throws base::Error where settings contradict each other (top_k above num_experts, n_group that
// does not divide, capacity with expert_choice, ...). `where` is the section's JSON pointer.
void validate(const RouterConfig& router, const std::string& where);

}  // namespace moesim::model
