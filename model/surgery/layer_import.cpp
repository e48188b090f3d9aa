// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/layer_import.h"

#include <utility>

#include "base/error.h"

namespace moesim::model {
namespace {

struct Fit {
  const MoeGptConfig& config;
  const std::string& place;

  [[noreturn]] void fail(const std::string& published, const std::string& ours,
                         const std::string& hint) const {
    throw base::Error(place, "the published layer has " + published + ", the model's " + ours,
                      hint);
  }

  void require(const std::string& key, Index published, Index ours) const {
    if (published == ours) return;
    fail(key + " " + std::to_string(published), std::to_string(ours),
         "train a model of that " + key + " to import into");
  }

  void check_router(const RouterWeights<float>& router) const {
    if (!has_gate(config.router)) {
      fail("a gate", "router has none", "import into a model whose router.type has a gate");
    }
    require("hidden_size", router.gate.cols(), config.hidden_size);
    require("num_experts", router.gate.rows(), config.router.num_experts);
    if (router.selection_bias.size() != 0 && config.router.balance.bias_update_rate == 0) {
      fail("a selection bias", "router has none", "train a model with a router.bias_update_rate");
    }
  }

  void check_experts(const HfMoeLayer& published) const {
    if (!config.gated) fail("gated experts", "are not", "train a model with \"gated\": true");
    const std::vector<int> sizes = config.expert_sizes();
    for (std::size_t e = 0; e < sizes.size(); ++e) {
      require("moe_intermediate_size", published.expert_sizes[e], sizes[e]);
    }
    const Index shared = Index{config.n_shared_experts} * config.moe_intermediate_size;
    require("shared experts' units", published.shared.up.rows(), shared);
  }
};

// Biases of `old`'s shapes, which are empty where the model has none.
void set_zero_biases(const ExpertWeights<float>& old, ExpertWeights<float>& weights) {
  weights.gate_bias.setZero(old.gate_bias.rows(), old.gate_bias.cols());
  weights.up_bias.setZero(old.up_bias.rows(), old.up_bias.cols());
  weights.down_bias.setZero(old.down_bias.rows(), old.down_bias.cols());
}

}  // namespace

MoeLayerWeights<float> fitted_layer(const MoeGptConfig& config, HfMoeLayer published,
                                    const MoeLayerWeights<float>& old, const std::string& place) {
  const Fit fit{config, place};
  fit.check_router(published.router);
  fit.check_experts(published);
  MoeLayerWeights<float> layer{std::move(published.router), std::move(published.experts),
                               std::move(published.shared)};
  RouterWeights<float>& router = layer.router;
  router.noise.setZero(old.router.noise.rows(), old.router.noise.cols());
  router.group_gate = old.router.group_gate;
  if (router.selection_bias.size() == 0) {
    router.selection_bias.setZero(old.router.selection_bias.rows(),
                                  old.router.selection_bias.cols());
  }
  set_zero_biases(old.experts, layer.experts);
  set_zero_biases(old.shared, layer.shared);
  return layer;
}

}  // namespace moesim::model
