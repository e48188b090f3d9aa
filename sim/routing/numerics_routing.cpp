// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/numerics_routing.h"

#include "model/proxy.h"
#include "model/train/own_text.h"
#include "model/train/text.h"

namespace moesim::sim {
namespace {

model::ProxyConfig proxy_config(const ProxySettings& settings, const RoutingContext& context) {
  model::ProxyConfig config;
  config.num_moe_layers = context.demand.num_moe_layers;
  config.router = gate_of(context.router, context.demand.num_experts, context.demand.top_k);
  config.hidden_size = settings.hidden_size;
  config.num_attention_heads = settings.num_attention_heads;
  config.moe_intermediate_size = settings.moe_intermediate_size;
  config.seq_length = settings.window;
  config.batch_size = settings.batch_size;
  config.train_steps = settings.train_steps;
  config.learning_rate = settings.learning_rate;
  config.seed = context.router.seed;
  config.num_threads = context.num_threads;
  config.device = context.device;
  return config;
}

class NumericsRouting final : public RoutingSource {
 public:
  NumericsRouting(const model::ProxyConfig& config, std::vector<std::uint8_t> text,
                  const RoutingContext& context)
      : tokens_per_rank_(context.demand.tokens_per_rank),
        proxy_(config, std::move(text), context.training_progress),
        description_("numerics (byte-level MoE-GPT proxy, hidden " +
                     std::to_string(config.hidden_size) + ", " +
                     std::to_string(config.train_steps) + " training steps)") {}

  std::vector<model::RoutingBatch> route(int micro_batch, int rank) const override {
    return proxy_.route(micro_batch, rank, tokens_per_rank_);
  }
  bool applies_capacity() const override { return true; }
  std::string description() const override { return description_; }
  std::optional<double> validation_loss() const override { return proxy_.report().validation_loss; }

 private:
  int tokens_per_rank_;
  model::Proxy proxy_;
  std::string description_;
};

}  // namespace

std::unique_ptr<RoutingSource> make_numerics_routing(const ProxySettings& settings,
                                                     const RoutingContext& context) {
  // What model::Proxy asks for: ten windows with their successors, the last held out.
  const std::size_t least_bytes = 10 * (static_cast<std::size_t>(settings.window) + 1);
  std::vector<std::uint8_t> text =
      settings.text.empty() ? model::own_text() : model::read_text(settings.text, least_bytes);
  try {
    return std::make_unique<NumericsRouting>(proxy_config(settings, context), std::move(text),
                                             context);
  } catch (const base::Error& error) {
    // The proxy knows its own keys, not where an experiment has them.
    if (error.where() != "learning_rate") throw;
    throw base::Error("/routing/proxy/learning_rate", error.message(), error.hint());
  }
}

}  // namespace moesim::sim
