// SPDX-License-Identifier: Apache-2.0
#include "model/router/router_config.h"

#include <array>
#include <string>

#include "base/error.h"
#include "base/named_table.h"

namespace moesim::model {
namespace {

constexpr double kMaxExperts = 65536;
constexpr double kMaxCoefficient = 1e3;

bool is_expert_choice(const RouterConfig& router) {
  return router.type == RouterType::expert_choice;
}

void describe_choice(base::FieldTable& table, RouterConfig& router) {
  using enum RouterType;
  const bool is_grouped = router.type == group_limited || router.type == two_level;
  const bool is_noisy = router.type == noisy_top_k;
  table.field("n_group", router.n_group, "Groups of consecutive experts; divides num_experts.")
      .at_least(1)
      .at_most(kMaxExperts)
      .used_when(is_grouped, "type is group_limited or two_level");
  table.field("topk_group", router.topk_group, "Groups that a token may use, its best ones.")
      .at_least(1)
      .at_most(kMaxExperts)
      .used_when(is_grouped, "type is group_limited or two_level");
  table
      .field("noise_scale", router.noise_scale,
             "Standard deviation of the training noise: fixed, or learned by a second gate.")
      .used_when(is_noisy, "type is noisy_top_k");
  table.field("noise_std", router.noise_std, "The fixed standard deviation of the noise.")
      .above(0)
      .at_most(kMaxCoefficient)
      .used_when(is_noisy && router.noise_scale == NoiseScale::fixed,
                 "type is noisy_top_k and noise_scale is fixed");
  table
      .field("input_jitter", router.input_jitter,
             "While training the gate's input is multiplied by uniform(1 - j, 1 + j).")
      .alias("moe_input_jitter_eps")
      .at_least(0)
      .at_most(0.999)
      .used_when(has_gate(router), "type is neither hash nor random");
  table
      .field("sinkhorn_iterations", router.sinkhorn_iterations,
             "Rounds of scaling rows and columns to equal sums.")
      .at_least(1)
      .at_most(1000)
      .used_when(router.type == sinkhorn, "type is sinkhorn");
}

void describe_capacity(base::FieldTable& table, RouterConfig& router) {
  const bool drops = can_drop(router);
  const std::string condition =
      "capacity_factor or rank_capacity_factor is set and type is not expert_choice";
  table
      .field("capacity_factor", router.capacity_factor,
             "Slots of each expert as a multiple of the mean (tokens x top-k / experts), rounded "
             "up; null = dropless, with expert_choice 1.")
      .alias("moe_expert_capacity_factor")
      .above(0)
      .at_most(1e6);
  table.field("min_capacity", router.min_capacity, "The least slots of an expert.")
      .at_least(1)
      .at_most(1e9)
      .used_when(router.capacity_factor.has_value(), "capacity_factor is set");
  table
      .field("rank_capacity_factor", router.rank_capacity_factor,
             "Pairs of each rank as a multiple of the mean (tokens x top-k / capacity_ranks), "
             "rounded up; null = unbounded.")
      .above(0)
      .at_most(1e6)
      .used_when(!is_expert_choice(router), "type is not expert_choice");
  table
      .field("capacity_ranks", router.capacity_ranks,
             "Ranks that share the experts out in contiguous blocks.")
      .at_least(1)
      .at_most(kMaxExperts)
      .used_when(router.rank_capacity_factor.has_value() && !is_expert_choice(router),
                 "rank_capacity_factor is set and type is not expert_choice");
  table
      .field("token_drop_policy", router.token_drop_policy,
             "Which pairs a full expert turns away: those with the lowest routing weight (probs) "
             "or the latest tokens (position).")
      .alias("moe_token_drop_policy")
      .used_when(drops, condition);
  table
      .field("overflow", router.overflow,
             "Where a pair that was turned away goes: nowhere (drop), or to the token's next best "
             "expert that has room (next_best).")
      .used_when(drops, condition);
  table
      .field("renormalise_after_drop", router.renormalise_after_drop,
             "Scale a token's kept weights up to the sum that all its weights had.")
      .used_when(drops, condition);
}

struct Coefficient {
  const char* key;
  double BalanceConfig::*value;
  std::array<const char*, 2> aliases;
  const char* docs;
};

constexpr Coefficient kCoefficients[] = {
    {"aux_loss_coef",
     &BalanceConfig::aux_loss_coef,
     {"router_aux_loss_coef", "moe_aux_loss_coeff"},
     "Weight of the Switch load-balancing loss."},
    {"seq_aux_loss_coef",
     &BalanceConfig::seq_aux_loss_coef,
     {},
     "Weight of the same loss taken over each sequence by itself."},
    {"importance_loss_coef",
     &BalanceConfig::importance_loss_coef,
     {},
     "Weight of the squared coefficient of variation of the experts' summed weights."},
    {"load_loss_coef",
     &BalanceConfig::load_loss_coef,
     {},
     "Weight of the squared coefficient of variation of the experts' smooth load; needs the noise "
     "of noisy_top_k."},
    {"variance_loss_coef",
     &BalanceConfig::variance_loss_coef,
     {},
     "Weight of the variance over experts of the mean score."},
    {"z_loss_coef",
     &BalanceConfig::z_loss_coef,
     {"router_z_loss_coef", "moe_z_loss_coeff"},
     "Weight of the mean squared log-sum-exp of the logits."},
    {"bias_update_rate",
     &BalanceConfig::bias_update_rate,
     {"moe_router_bias_update_rate", nullptr},
     "Step by which an expert's selection bias moves towards the mean load."},
};

void describe_balance(base::FieldTable& table, RouterConfig& router) {
  for (const Coefficient& coefficient : kCoefficients) {
    base::Field& field =
        table.field(coefficient.key, router.balance.*coefficient.value, coefficient.docs)
            .at_least(0)
            .at_most(kMaxCoefficient)
            .used_when(has_gate(router), "type is neither hash nor random");
    for (const char* alias : coefficient.aliases) {
      if (alias != nullptr) field.alias(alias);
    }
  }
}

// The setting at `key` cannot be; below the section's pointer.
struct Contradiction {
  std::string key;
  std::string what;
  std::string hint;
};

void require(bool holds, const std::string& where, const Contradiction& otherwise) {
  if (!holds) throw base::Error(where + "/" + otherwise.key, otherwise.what, otherwise.hint);
}

void validate_groups(const RouterConfig& router, const std::string& where) {
  if (router.type != RouterType::group_limited && router.type != RouterType::two_level) return;
  require(router.n_group >= 1 && router.num_experts % router.n_group == 0, where,
          {"n_group",
           std::to_string(router.n_group) + " groups do not divide " +
               std::to_string(router.num_experts) + " experts",
           "choose a divisor of num_experts"});
  require(router.topk_group >= 1 && router.topk_group <= router.n_group, where,
          {"topk_group",
           std::to_string(router.topk_group) + " is not among " + std::to_string(router.n_group) +
               " groups",
           "use 1 to n_group"});
  const int reachable = router.num_experts / router.n_group * router.topk_group;
  require(router.top_k <= reachable, where,
          {"topk_group",
           "a token chooses " + std::to_string(router.top_k) + " experts, but its groups hold " +
               std::to_string(reachable),
           "raise topk_group, or lower num_experts_per_tok"});
}

void validate_scores(const RouterConfig& router, const std::string& where) {
  require(router.type != RouterType::two_level || router.score_function == ScoreFunction::softmax,
          where,
          {"score_function", "two_level multiplies probabilities, and sigmoid gives none",
           "use softmax"});
  require(router.routed_scaling_factor > 0, where,
          {"routed_scaling_factor", "routing weights must stay positive", "use 1 for no scaling"});
  require(router.input_jitter >= 0 && router.input_jitter < 1, where,
          {"input_jitter", "the factor 1 - input_jitter must be positive", "use 0 to 0.1"});
  require(router.type != RouterType::noisy_top_k || router.noise_std > 0, where,
          {"noise_std", "the noise's standard deviation must be positive",
           "use type top_k for no noise"});
  require(router.sinkhorn_iterations >= 1, where,
          {"sinkhorn_iterations", "there is no round to balance in", "use 8"});
}

void validate_capacity(const RouterConfig& router, const std::string& where) {
  require(!router.capacity_factor || *router.capacity_factor > 0, where,
          {"capacity_factor", "an expert takes some pairs", "use null for dropless routing"});
  require(router.min_capacity >= 1, where,
          {"min_capacity", "an expert has at least one slot", "use 1"});
  if (!router.rank_capacity_factor) return;
  require(*router.rank_capacity_factor > 0, where,
          {"rank_capacity_factor", "a rank takes some pairs", "use null for no bound"});
  require(!is_expert_choice(router), where,
          {"rank_capacity_factor", "under expert_choice every rank has the same load already",
           "leave it out"});
  require(router.capacity_ranks >= 1 && router.capacity_ranks <= router.num_experts, where,
          {"capacity_ranks",
           std::to_string(router.capacity_ranks) + " ranks cannot share " +
               std::to_string(router.num_experts) + " experts out",
           "use 1 to num_experts"});
}

void validate_overflow(const RouterConfig& router, const std::string& where) {
  if (router.overflow != OverflowPolicy::next_best) return;
  require(has_gate(router), where,
          {"overflow", "a " + base::name_in_words(router.type) + " router ranks no experts",
           "use drop"});
  require(!is_expert_choice(router), where,
          {"overflow", "under expert_choice no expert is too full", "use drop"});
}

void validate_balance(const RouterConfig& router, const std::string& where) {
  const BalanceConfig& balance = router.balance;
  require(balance.load_loss_coef == 0 || router.type == RouterType::noisy_top_k, where,
          {"load_loss_coef", "the smooth load is defined by the noise of noisy_top_k",
           "use type noisy_top_k, or importance_loss_coef"});
  const bool has_bias =
      router.type == RouterType::top_k || router.type == RouterType::group_limited;
  require(balance.bias_update_rate == 0 || has_bias, where,
          {"bias_update_rate",
           "a " + base::name_in_words(router.type) + " router has no selection bias",
           "use type top_k or group_limited"});
}

}  // namespace

base::EnumNames<RouterType> names_of(RouterType) {
  return {{RouterType::top_k, "top_k"},
          {RouterType::group_limited, "group_limited"},
          {RouterType::noisy_top_k, "noisy_top_k"},
          {RouterType::expert_choice, "expert_choice"},
          {RouterType::hash, "hash"},
          {RouterType::random, "random"},
          {RouterType::two_level, "two_level"},
          {RouterType::sinkhorn, "sinkhorn"}};
}

base::EnumNames<ScoreFunction> names_of(ScoreFunction) {
  return {{ScoreFunction::softmax, "softmax"}, {ScoreFunction::sigmoid, "sigmoid"}};
}

base::EnumNames<RoutingWeights> names_of(RoutingWeights) {
  return {{RoutingWeights::renormalised, "renormalised"},
          {RoutingWeights::softmax_selected, "softmax_selected"},
          {RoutingWeights::as_is, "as_is"}};
}

base::EnumNames<NoiseScale> names_of(NoiseScale) {
  return {{NoiseScale::fixed, "fixed"}, {NoiseScale::learned, "learned"}};
}

base::EnumNames<TokenDropPolicy> names_of(TokenDropPolicy) {
  return {{TokenDropPolicy::probs, "probs"}, {TokenDropPolicy::position, "position"}};
}

base::EnumNames<OverflowPolicy> names_of(OverflowPolicy) {
  return {{OverflowPolicy::drop, "drop"}, {OverflowPolicy::next_best, "next_best"}};
}

bool has_gate(const RouterConfig& router) {
  return router.type != RouterType::hash && router.type != RouterType::random;
}

bool can_drop(const RouterConfig& router) {
  return !is_expert_choice(router) &&
         (router.capacity_factor.has_value() || router.rank_capacity_factor.has_value());
}

void describe(base::FieldTable& table, RouterConfig& router) {
  table.title("moe_router", "How tokens choose experts.");
  table.field("num_experts", router.num_experts, "Routed experts of a MoE layer.")
      .alias("n_routed_experts")
      .alias("num_local_experts")
      .at_least(1)
      .at_most(kMaxExperts);
  table
      .field("num_experts_per_tok", router.top_k,
             "Experts that a token passes through; under expert_choice the mean.")
      .alias("top_k")
      .alias("moe_router_topk")
      .at_least(1)
      .at_most(kMaxExperts);
  describe_policy(table, router);
}

void describe_policy(base::FieldTable& table, RouterConfig& router) {
  table.field("type", router.type, "Who chooses whom (docs/models.md, \"Router\").");
  table
      .field("score_function", router.score_function,
             "What turns logits into scores; two_level has softmax alone.")
      .alias("moe_router_score_function")
      .used_when(has_gate(router), "type is neither hash nor random");
  table
      .field("weights", router.weights,
             "renormalised: the chosen scores over their sum. softmax_selected: softmax over the "
             "chosen logits. as_is: the scores themselves.")
      .used_when(has_gate(router), "type is neither hash nor random");
  table
      .field("routed_scaling_factor", router.routed_scaling_factor,
             "Factor of all routing weights.")
      .alias("moe_router_topk_scaling_factor")
      .above(0)
      .at_most(1e6);
  describe_choice(table, router);
  describe_capacity(table, router);
  describe_balance(table, router);
}

void validate(const RouterConfig& router, const std::string& where) {
  require(router.num_experts >= 1, where, {"num_experts", "there is no expert", "use at least 1"});
  require(router.top_k >= 1 && router.top_k <= router.num_experts, where,
          {"num_experts_per_tok",
           "a token cannot choose " + std::to_string(router.top_k) + " of " +
               std::to_string(router.num_experts) + " experts",
           "use 1 to num_experts"});
  validate_groups(router, where);
  validate_scores(router, where);
  validate_capacity(router, where);
  validate_overflow(router, where);
  if (has_gate(router)) validate_balance(router, where);
}

}  // namespace moesim::model
