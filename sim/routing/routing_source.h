// SPDX-License-Identifier: Apache-2.0
// Where a step's routing comes from: a real gate on real text, a synthetic skew, or a recorded
// trace.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/router/routing_batch.h"
#include "sim/plan/placement.h"
#include "sim/routing/routing_config.h"

namespace moesim::model::cuda {
class Device;
}

namespace moesim::sim {

// The step that routing is wanted for.
struct RoutingDemand {
  int num_moe_layers = 0;
  int num_experts = 0;
  int top_k = 0;
  int num_ranks = 0;  // all source ranks; groups are runs of placement.num_ranks ranks
  int num_micro_batches = 0;
  int tokens_per_rank = 0;  // in one micro-batch; a source may give a rank others
  Placement placement;      // of every expert-parallel group
};

class RoutingSource {
 public:
  virtual ~RoutingSource() = default;

  // The decisions for one rank's tokens of one micro-batch: one batch per MoE layer, with drops
  // where applies_capacity(). Thread-safe, and the same for the same arguments. All layers have the
  // same number of tokens.
  virtual std::vector<model::RoutingBatch> route(int micro_batch, int rank) const = 0;

  // Takes the experts of some tokens of one MoE layer, [tokens, top_k].
  using ChoiceSink = std::function<void(int layer, std::span<const std::int32_t> experts)>;

  // The experts that route() has, without its weights: hands them to `sink` layer after layer,
  // tokens in order, some at a time. Not for a source that applies_capacity().
  virtual void stream_choices(int micro_batch, int rank, const ChoiceSink& sink) const;

  // Whether route() has dropped what capacity does not hold; else whoever routes has to.
  virtual bool applies_capacity() const { return false; }

  // "numerics (...)": what every report shows beside figures made from this routing.
  virtual std::string description() const = 0;

  // Nats per byte on held-out text; only where a gate was really trained.
  virtual std::optional<double> validation_loss() const { return std::nullopt; }
};

// What making a source may need besides its config.
struct RoutingContext {
  const RouterConfig& router;
  const RoutingDemand& demand;
  int num_threads = 1;                              // never changes a result
  std::function<void(int, int)> training_progress;  // (steps done, steps)
  // [MoE layer] where its experts lie, as many on each rank as the demand's placement has; empty:
  // as that one says. The source's choices are those of the demand's.
  std::span<const Placement> layer_placements = {};
  model::cuda::Device* device = nullptr;  // that trains; null: the processor does
};

// Trains the proxy, or reads and checks the trace, as the config says. Throws base::Error.
std::unique_ptr<RoutingSource> make_routing_source(const RoutingConfig& config,
                                                   const RoutingContext& context);

}  // namespace moesim::sim
