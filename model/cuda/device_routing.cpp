// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_routing.h"

#include <limits>

#include "model/cuda/kernel_list.h"
#include "model/router/capacity.h"

namespace moesim::model::cuda {
namespace {

Pairs pairs_of(const RouterConfig& config, const DeviceRouting& routing) {
  Pairs pairs;
  pairs.experts = routing.experts.data();
  pairs.count = routing.tokens * config.top_k;
  pairs.num_experts = config.num_experts;
  return pairs;
}

// Where the experts of each rank begin.
std::vector<std::int32_t> first_experts(const RouterConfig& config, int ranks) {
  std::vector<std::int32_t> first = {0};
  for (int e = 1; e < config.num_experts; ++e) {
    const int rank = rank_of_expert(e, config.num_experts, ranks);
    if (rank == static_cast<int>(first.size())) first.push_back(e);
  }
  first.resize(static_cast<std::size_t>(ranks) + 1, config.num_experts);
  return first;
}

// What experts and ranks take; without a bound the most that can be counted.
struct Capacities {
  int of_expert = std::numeric_limits<int>::max();
  int of_rank = std::numeric_limits<int>::max();
  int ranks = 1;
};

Capacities capacities_of(const RouterConfig& config, int tokens) {
  Capacities capacities;
  if (config.capacity_factor) capacities.of_expert = slots_of_expert(config, tokens);
  if (config.rank_capacity_factor) {
    capacities.ranks = config.capacity_ranks;
    capacities.of_rank =
        expert_capacity(*config.rank_capacity_factor, tokens, config.top_k, config.capacity_ranks);
  }
  return capacities;
}

// Of the pairs in the order that served_first has in model/router/capacity.cpp.
const float* serving_weights(const RouterConfig& config, const DeviceRouting& routing) {
  const bool by_weight = config.token_drop_policy == TokenDropPolicy::probs;
  return by_weight ? routing.weights_before_drop.data() : nullptr;
}

void turn_away(Device& device, const RouterConfig& config, const Capacities& capacities,
               DeviceRouting& routing) {
  const Pairs pairs = pairs_of(config, routing);
  const auto count = static_cast<std::size_t>(pairs.count);
  order_by_expert(device, pairs, routing.all);
  TurnAway kernel;
  kernel.offsets = routing.all.offsets.data();
  kernel.pair_of = routing.all.pair_of.data();
  kernel.weights = serving_weights(config, routing);
  kernel.num_experts = config.num_experts;
  const std::int64_t blocks = ceil_divide(pairs.count, TurnAway::kThreads);
  std::uint8_t* const kept = routing.kept.reserve(device, count);
  if (config.capacity_factor) {
    const bool is_last = !config.rank_capacity_factor;
    kernel.still_kept = is_last ? kept : routing.kept_by_expert.reserve(device, count);
    kernel.owners = config.num_experts;
    kernel.capacity = capacities.of_expert;
    launch(device, kernel, blocks);
    kernel.kept = kernel.still_kept;
  }
  if (config.rank_capacity_factor) {
    kernel.first_expert = routing.first_expert.data();
    kernel.still_kept = kept;
    kernel.owners = capacities.ranks;
    kernel.capacity = capacities.of_rank;
    launch(device, kernel, blocks);
  }
}

void send_to_next_best(Device& device, const RouterConfig& config, const Capacities& capacities,
                       DeviceRouting& routing) {
  Pairs kept = pairs_of(config, routing);
  kept.kept = routing.kept.data();
  const auto count = static_cast<std::size_t>(kept.count);
  device.copy(routing.experts.data(), routing.chosen.reserve(device, count),
              count * sizeof(std::int32_t));
  order_by_expert(device, kept, routing.all);
  SendToNextBest kernel;
  kernel.scores = routing.scores.data();
  kernel.weights = serving_weights(config, routing);
  kernel.offsets = routing.all.offsets.data();
  kernel.first_expert = routing.first_expert.data();
  kernel.experts = routing.experts.data();
  kernel.kept = routing.kept.data();
  kernel.pairs = kept.count;
  kernel.top_k = config.top_k;
  kernel.num_experts = config.num_experts;
  kernel.ranks = capacities.ranks;
  kernel.expert_capacity = capacities.of_expert;
  kernel.rank_capacity = capacities.of_rank;
  launch(device, kernel, 1, SendToNextBest::shared_bytes(config.num_experts, capacities.ranks));
  launch(device, WeighTokens{route_kernel(config, nullptr, routing)},
         blocks_for_tokens(routing.tokens));
}

void drop_overflow(Device& device, const RouterConfig& config, DeviceRouting& routing) {
  const Capacities capacities = capacities_of(config, routing.tokens);
  routing.first_expert.upload(device, first_experts(config, capacities.ranks));
  turn_away(device, config, capacities, routing);
  if (config.overflow == OverflowPolicy::next_best) {
    send_to_next_best(device, config, capacities, routing);
  }
}

}  // namespace

bool routes_on_device(const RouterConfig& config) {
  const bool is_chosen =
      config.type == RouterType::top_k || config.type == RouterType::group_limited;
  const BalanceConfig& balance = config.balance;
  if (balance.importance_loss_coef > 0 || balance.load_loss_coef > 0) return false;
  return is_chosen && config.input_jitter == 0 && config.num_experts <= kMostExperts;
}

RouteTokens route_kernel(const RouterConfig& config, const float* bias,
                         const DeviceRouting& routing) {
  RouteTokens kernel;
  kernel.logits = routing.logits.data();
  kernel.bias = bias;
  kernel.scores = routing.scores.data();
  kernel.experts = routing.experts.data();
  kernel.weights = routing.weights_before_drop.data();
  kernel.tokens = routing.tokens;
  kernel.rule.num_experts = config.num_experts;
  kernel.rule.top_k = config.top_k;
  const bool is_sigmoid = config.score_function == ScoreFunction::sigmoid;
  kernel.scoring = is_sigmoid ? Scoring::sigmoid : Scoring::softmax;
  kernel.weighing = config.weights == RoutingWeights::as_is ? Weighing::scores
                    : is_sigmoid && config.weights == RoutingWeights::renormalised
                        ? Weighing::log_sigmoids
                        : Weighing::logits;
  kernel.choose_by_logits = bias == nullptr;
  if (config.type == RouterType::group_limited) {
    kernel.rule.n_group = config.n_group;
    kernel.rule.topk_group = config.topk_group;
    kernel.rule.group_best = is_sigmoid ? 2 : 1;
    kernel.choose_by_logits = false;
  }
  return kernel;
}

void route_on_device(Device& device, const RouterConfig& config, int tokens, const float* bias,
                     DeviceRouting& routing) {
  routing.tokens = tokens;
  const auto rows = static_cast<std::size_t>(tokens);
  const std::size_t pairs = rows * static_cast<std::size_t>(config.top_k);
  routing.scores.reserve(device, rows * static_cast<std::size_t>(config.num_experts));
  routing.experts.reserve(device, pairs);
  routing.weights_before_drop.reserve(device, pairs);
  const RouteTokens kernel = route_kernel(config, bias, routing);
  launch(device, kernel, blocks_for_tokens(tokens), room_for_groups(kernel.rule));
  routing.kept.reserve(device, 0);
  routing.chosen.reserve(device, 0);
  if (can_drop(config)) drop_overflow(device, config, routing);
  FinishWeights finish;
  finish.before = routing.weights_before_drop.data();
  finish.kept = routing.kept_or_null();
  finish.weights = routing.weights.reserve(device, pairs);
  finish.undropped = routing.undropped.reserve(device, pairs);
  finish.factors = routing.factors.reserve(device, rows);
  finish.kept_sums = routing.kept_sums.reserve(device, rows);
  finish.tokens = tokens;
  finish.top_k = config.top_k;
  finish.scaling = static_cast<float>(config.routed_scaling_factor);
  finish.renormalise = config.renormalise_after_drop;
  launch(device, finish, ceil_divide(tokens, FinishWeights::kThreads));
  Pairs kept = pairs_of(config, routing);
  kept.kept = routing.kept_or_null();
  order_by_expert(device, kept, routing.order);
}

RoutingBatch download_batch(const RouterConfig& config, const DeviceRouting& routing) {
  RoutingBatch batch;
  batch.tokens = routing.tokens;
  batch.top_k = config.top_k;
  batch.num_experts = config.num_experts;
  batch.experts = routing.experts.download();
  batch.weights = routing.undropped.download();
  if (routing.kept.size() > 0) batch.kept = routing.kept.download();
  return batch;
}

}  // namespace moesim::model::cuda
