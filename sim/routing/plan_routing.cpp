// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/plan_routing.h"

#include <memory>
#include <mutex>
#include <numeric>

#include "base/check.h"
#include "base/parallel.h"
#include "model/router/capacity.h"
#include "sim/plan/choice_counter.h"

namespace moesim::sim {
namespace {

const Placement& placement_of_layer(const RoutingContext& context, std::size_t layer) {
  return context.layer_placements.empty() ? context.demand.placement
                                          : context.layer_placements[layer];
}

// Counts choices layer by layer; null where some placement cannot be counted so.
class LayerCounters {
 public:
  LayerCounters(const RoutingContext& context, const GroupLayout& layout)
      : context_(context), layout_(layout), counter_(make(0)) {}

  bool can_count() const { return counter_ != nullptr; }
  ChoiceCounter& current() { return *counter_; }

  // The counts of the layer that ends; the next one's begin.
  SourceCounts take(int next_layer) {
    SourceCounts counts = counter_->take();
    const bool is_other = !context_.layer_placements.empty();
    if (is_other && next_layer < context_.demand.num_moe_layers) counter_ = make(next_layer);
    return counts;
  }

 private:
  std::unique_ptr<ChoiceCounter> make(int layer) const {
    return make_choice_counter(placement_of_layer(context_, layer), layout_, context_.demand.top_k);
  }

  const RoutingContext& context_;
  const GroupLayout& layout_;
  std::unique_ptr<ChoiceCounter> counter_;
};

// [MoE layer] the counts of a source from which nothing is dropped.
std::vector<SourceCounts> count_choices(const RoutingSource& source, int micro_batch, int rank,
                                        int num_layers, LayerCounters& counters) {
  std::vector<SourceCounts> layers;
  const auto end_layers_before = [&](int layer) {
    while (static_cast<int>(layers.size()) < layer) {
      layers.push_back(counters.take(static_cast<int>(layers.size()) + 1));
    }
  };
  source.stream_choices(micro_batch, rank, [&](int layer, std::span<const std::int32_t> experts) {
    CHECK(layer >= static_cast<int>(layers.size()) && layer < num_layers, "layers in order");
    end_layers_before(layer);
    counters.current().add(experts);
  });
  end_layers_before(num_layers);
  return layers;
}

// [MoE layer] what one rank's tokens mean in one micro-batch.
std::vector<SourceCounts> count_rank(const RoutingSource& source, const RoutingContext& context,
                                     const GroupLayout& layout, int micro_batch, int rank) {
  const RoutingDemand& demand = context.demand;
  const model::RouterConfig gate = gate_of(context.router, demand.num_experts, demand.top_k);
  if (!source.applies_capacity() && !model::can_drop(gate)) {
    LayerCounters counters(context, layout);
    if (counters.can_count()) {
      return count_choices(source, micro_batch, rank, demand.num_moe_layers, counters);
    }
  }
  std::vector<SourceCounts> layers;
  for (model::RoutingBatch& batch : source.route(micro_batch, rank)) {
    if (!source.applies_capacity()) model::apply_capacity(gate, batch);
    layers.push_back(count_source(batch, rank % demand.placement.num_ranks,
                                  placement_of_layer(context, layers.size()), layout));
  }
  CHECK(static_cast<int>(layers.size()) == demand.num_moe_layers, "one batch per MoE layer");
  return layers;
}

void check_conservation(const DispatchPlan& plan, const RoutingContext& context) {
  const auto tokens = std::accumulate(plan.tokens.begin(), plan.tokens.end(), std::int64_t{0});
  const auto kept =
      std::accumulate(plan.expert_rows.begin(), plan.expert_rows.end(), std::int64_t{0});
  CHECK(kept + plan.dropped_pairs == plan.routed_pairs, "INV-1: tokens are conserved");
  const bool fixed = context.router.gate.type != model::RouterType::expert_choice;
  CHECK(!fixed || plan.routed_pairs == tokens * context.demand.top_k,
        "INV-1: every token has its experts");
}

// [group] one layer's plans from all ranks' counts.
std::vector<DispatchPlan> assemble_layer(const std::vector<std::vector<SourceCounts>>& counts,
                                         int layer, const RoutingContext& context,
                                         const std::vector<GroupLayout>& layouts) {
  const RoutingDemand& demand = context.demand;
  const int group_size = demand.placement.num_ranks;
  std::vector<DispatchPlan> plans;
  for (std::size_t group = 0; group < layouts.size(); ++group) {
    std::vector<SourceCounts> sources;
    for (int position = 0; position < group_size; ++position) {
      sources.push_back(counts[group * group_size + position][layer]);
    }
    plans.push_back(assemble_plan(sources, placement_of_layer(context, layer), layouts[group]));
    check_conservation(plans.back(), context);
  }
  return plans;
}

}  // namespace

StepPlans plan_routing(const RoutingSource& source, const RoutingContext& context,
                       const std::vector<GroupLayout>& layouts,
                       const std::function<void(int, int)>& progress) {
  const RoutingDemand& demand = context.demand;
  const int group_size = demand.placement.num_ranks;
  StepPlans plans(demand.num_micro_batches);
  std::mutex progress_mutex;
  int done = 0;
  for (int micro_batch = 0; micro_batch < demand.num_micro_batches; ++micro_batch) {
    std::vector<std::vector<SourceCounts>> counts(demand.num_ranks);  // [rank][layer]
    base::parallel_for(demand.num_ranks, context.num_threads, [&](int rank) {
      counts[rank] = count_rank(source, context, layouts[rank / group_size], micro_batch, rank);
      const std::lock_guard lock(progress_mutex);
      if (progress) progress(++done, demand.num_ranks * demand.num_micro_batches);
    });
    for (int layer = 0; layer < demand.num_moe_layers; ++layer) {
      plans[micro_batch].push_back(assemble_layer(counts, layer, context, layouts));
    }
  }
  return plans;
}

}  // namespace moesim::sim
