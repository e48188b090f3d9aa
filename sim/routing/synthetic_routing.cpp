// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/synthetic_routing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/named_table.h"
#include "base/rng.h"
#include "sim/routing/weighted_sampler.h"

namespace moesim::sim {
namespace {

using Weights = std::vector<double>;

// One expert in eight is hot in w1 and w3; every fourth layer bursts in w7.
constexpr int kExpertsPerHotOne = 8;
constexpr int kBurstPeriod = 4;

std::string stream(const char* name, int micro_batch, int layer) {
  return std::string(name) + " mb=" + std::to_string(micro_batch) +
         " layer=" + std::to_string(layer);
}

// Zipf weights 1 / i^s over a random order of the experts: each layer has its own favourites, the
// same in every micro-batch, as a trained gate has.
Weights zipf(double exponent, int experts, std::uint64_t seed, int layer) {
  std::vector<int> order(experts);
  std::iota(order.begin(), order.end(), 0);
  base::Rng rng(seed, stream("zipf order", 0, layer));
  for (int i = experts - 1; i > 0; --i) std::swap(order[i], order[rng.below(i + 1)]);
  Weights weights(experts);
  for (int i = 0; i < experts; ++i) weights[order[i]] = std::pow(i + 1.0, -exponent);
  return weights;
}

// A point of Dirichlet(alpha, ..., alpha): gamma draws, relative to the largest, taken as
// logarithms since those of small alpha lie far below what a double holds. A floor keeps every
// expert possible.
Weights dirichlet(double alpha, int experts, std::uint64_t seed, int layer) {
  base::Rng rng(seed, stream("dirichlet", 0, layer));
  Weights weights(experts);
  for (double& weight : weights) weight = rng.log_gamma(alpha);
  const double largest = *std::max_element(weights.begin(), weights.end());
  for (double& weight : weights) weight = std::max(std::exp(weight - largest), 1e-12);
  return weights;
}

Weights with_hot_rank(double factor, const Placement& placement, int hot_rank) {
  Weights weights(placement.num_experts(), 1.0);
  for (int expert = 0; expert < placement.num_experts(); ++expert) {
    const std::vector<int>& ranks = placement.ranks_of_expert[expert];
    if (std::binary_search(ranks.begin(), ranks.end(), hot_rank)) weights[expert] = factor;
  }
  return weights;
}

int num_hot(int experts) { return std::max(1, experts / kExpertsPerHotOne); }

class SyntheticRouting final : public RoutingSource {
 public:
  SyntheticRouting(const SyntheticSettings& settings, const RoutingContext& context)
      : settings_(settings), demand_(context.demand), seed_(context.router.seed) {
    for (int micro_batch = 0; micro_batch < demand_.num_micro_batches; ++micro_batch) {
      for (int layer = 0; layer < demand_.num_moe_layers; ++layer) {
        weights_.push_back(expert_weights(settings_, seed_, demand_, micro_batch, layer));
        samplers_.emplace_back(weights_.back());
      }
    }
  }

  std::vector<model::RoutingBatch> route(int micro_batch, int rank) const override {
    std::vector<model::RoutingBatch> layers;
    for (int layer = 0; layer < demand_.num_moe_layers; ++layer) {
      layers.push_back(settings_.distribution == Distribution::w0_balanced
                           ? balanced_layer(micro_batch, layer, rank)
                           : drawn_layer(micro_batch, layer, rank));
    }
    return layers;
  }

  std::string description() const override {
    return "synthetic (" + base::name_in_words(settings_.distribution) + ")";
  }

 private:
  model::RoutingBatch empty_batch(int tokens) const {
    const auto pairs = static_cast<std::size_t>(tokens) * demand_.top_k;
    return {tokens,
            demand_.top_k,
            demand_.num_experts,
            std::vector<std::int32_t>(pairs),
            std::vector<float>(pairs),
            {}};
  }

  // Pair after pair takes the next expert: every expert gets the same number, to within one.
  model::RoutingBatch balanced_layer(int micro_batch, int layer, int rank) const {
    model::RoutingBatch batch = empty_batch(demand_.tokens_per_rank);
    base::Rng rng(seed_,
                  stream("balanced start", micro_batch, layer) + " rank=" + std::to_string(rank));
    std::uint64_t next = rng.below(demand_.num_experts);
    for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
      batch.experts[pair] = static_cast<std::int32_t>(next++ % demand_.num_experts);
      batch.weights[pair] = 1.0F / static_cast<float>(demand_.top_k);
    }
    return batch;
  }

  model::RoutingBatch drawn_layer(int micro_batch, int layer, int rank) const {
    const int tokens = tokens_of_rank(settings_, demand_, rank);
    model::RoutingBatch batch = empty_batch(tokens);
    const std::size_t index =
        static_cast<std::size_t>(micro_batch) * demand_.num_moe_layers + layer;
    const Weights& weights = weights_[index];
    base::Rng rng(seed_, stream("tokens", micro_batch, layer) + " rank=" + std::to_string(rank));
    for (int token = 0; token < tokens; ++token) {
      const std::size_t first = static_cast<std::size_t>(token) * demand_.top_k;
      const std::span chosen(batch.experts.data() + first, demand_.top_k);
      samplers_[index].draw(rng, chosen);
      double total = 0;
      for (const std::int32_t expert : chosen) total += weights[expert];
      for (int slot = 0; slot < demand_.top_k; ++slot) {
        batch.weights[first + slot] = static_cast<float>(weights[chosen[slot]] / total);
      }
    }
    return batch;
  }

  SyntheticSettings settings_;
  RoutingDemand demand_;
  std::uint64_t seed_;
  std::vector<Weights> weights_;           // [micro_batch, layer]
  std::vector<WeightedSampler> samplers_;  // likewise
};

}  // namespace

std::vector<double> expert_weights(const SyntheticSettings& settings, std::uint64_t seed,
                                   const RoutingDemand& demand, int micro_batch, int layer) {
  const int experts = demand.num_experts;
  const int ranks = demand.placement.num_ranks;
  Weights weights(experts, 1.0);
  switch (settings.distribution) {
    case Distribution::uniform:
    case Distribution::w0_balanced:
    case Distribution::w4_ragged_source:
    case Distribution::w5_rank_without_tokens:
      break;
    case Distribution::zipf:
      return zipf(settings.zipf_exponent, experts, seed, layer);
    case Distribution::dirichlet:
      return dirichlet(settings.dirichlet_alpha, experts, seed, layer);
    case Distribution::w1_hot_expert_set:
      std::fill_n(weights.begin(), num_hot(experts), settings.hot_factor);
      break;
    case Distribution::w2_hot_rank:
      return with_hot_rank(settings.hot_factor, demand.placement, settings.hot_rank);
    case Distribution::w3_spread_hot_experts:
      for (int i = 0; i < num_hot(experts); ++i) {
        weights[static_cast<std::int64_t>(i) * experts / num_hot(experts)] = settings.hot_factor;
      }
      break;
    case Distribution::w6_rotating_hot_spot:
      return with_hot_rank(settings.hot_factor, demand.placement,
                           (settings.hot_rank + micro_batch + layer) % ranks);
    case Distribution::w7_burst:
      if ((layer + micro_batch) % kBurstPeriod != kBurstPeriod - 1) break;
      return with_hot_rank(settings.hot_factor, demand.placement, settings.hot_rank);
  }
  return weights;
}

int tokens_of_rank(const SyntheticSettings& settings, const RoutingDemand& demand, int rank) {
  const int position = rank % demand.placement.num_ranks;
  if (settings.distribution == Distribution::w5_rank_without_tokens) {
    return position == settings.hot_rank ? 0 : demand.tokens_per_rank;
  }
  if (settings.distribution != Distribution::w4_ragged_source) return demand.tokens_per_rank;
  const int last = std::max(1, demand.placement.num_ranks - 1);
  return static_cast<int>(demand.tokens_per_rank * (0.5 + static_cast<double>(position) / last));
}

std::unique_ptr<RoutingSource> make_synthetic_routing(const SyntheticSettings& settings,
                                                      const RoutingContext& context) {
  return std::make_unique<SyntheticRouting>(settings, context);
}

}  // namespace moesim::sim
