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
// So many tokens are drawn at a time that their experts stay in the first-level cache.
constexpr int kBlockTokens = 256;

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
      model::RoutingBatch batch = empty_batch(tokens_of_rank(settings_, demand_, rank));
      const Choices choices = choices_of(micro_batch, layer, rank);
      choices(0, batch.experts);
      weigh(weights_[index_of(micro_batch, layer)], batch);
      layers.push_back(std::move(batch));
    }
    return layers;
  }

  void stream_choices(int micro_batch, int rank, const ChoiceSink& sink) const override {
    const int tokens = tokens_of_rank(settings_, demand_, rank);
    std::vector<std::int32_t> block(static_cast<std::size_t>(kBlockTokens) * demand_.top_k);
    for (int layer = 0; layer < demand_.num_moe_layers; ++layer) {
      const Choices choices = choices_of(micro_batch, layer, rank);
      for (int first = 0; first < tokens; first += kBlockTokens) {
        const int here = std::min(kBlockTokens, tokens - first);
        const std::span experts(block.data(), static_cast<std::size_t>(here) * demand_.top_k);
        choices(first, experts);
        sink(layer, experts);
      }
    }
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

  // Fills in the experts of the tokens from the given one on, [tokens, top_k].
  using Choices = std::function<void(int first_token, std::span<std::int32_t> experts)>;

  Choices choices_of(int micro_batch, int layer, int rank) const {
    const bool balanced = settings_.distribution == Distribution::w0_balanced;
    const base::RandomField field(
        seed_, stream(balanced ? "balanced start" : "tokens", micro_batch, layer) +
                   " rank=" + std::to_string(rank));
    if (balanced) return balanced_choices(field);
    const WeightedSampler& sampler = samplers_[index_of(micro_batch, layer)];
    return [draws = TokenDraws(sampler, field, demand_.top_k)](
               int first_token, std::span<std::int32_t> experts) mutable {
      draws.fill(first_token, experts);
    };
  }

  // Pair after pair takes the next expert: every expert gets the same number, to within one.
  Choices balanced_choices(const base::RandomField& field) const {
    const auto start = static_cast<std::int64_t>(field.uniform(0) * demand_.num_experts);
    return [start, this](int first_token, std::span<std::int32_t> experts) {
      const std::int64_t first_pair = std::int64_t{first_token} * demand_.top_k;
      auto next = static_cast<std::int32_t>((start + first_pair) % demand_.num_experts);
      for (std::int32_t& expert : experts) {
        expert = next++;
        if (next == demand_.num_experts) next = 0;
      }
    };
  }

  // Each token's experts by their weights; w0's are all the same.
  void weigh(const Weights& weights, model::RoutingBatch& batch) const {
    for (std::size_t first = 0; first < batch.experts.size(); first += demand_.top_k) {
      double total = 0;
      for (int slot = 0; slot < demand_.top_k; ++slot)
        total += weights[batch.experts[first + slot]];
      for (int slot = 0; slot < demand_.top_k; ++slot) {
        batch.weights[first + slot] =
            static_cast<float>(weights[batch.experts[first + slot]] / total);
      }
    }
  }

  std::size_t index_of(int micro_batch, int layer) const {
    return static_cast<std::size_t>(micro_batch) * demand_.num_moe_layers + layer;
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
