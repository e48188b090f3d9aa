// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/altered_routing.h"

#include "model/router/capacity.h"
#include "sim/routing/balanced_choices.h"

namespace moesim::sim {
namespace {

class AlteredRouting final : public RoutingSource {
 public:
  AlteredRouting(const RoutingSource& original, const RoutingContext& context,
                 const RoutingChange& change)
      : original_(original),
        change_(change),
        group_size_(context.demand.placement.num_ranks),
        gate_(gate_of(context.router, context.demand.num_experts, context.demand.top_k)) {}

  std::vector<model::RoutingBatch> route(int micro_batch, int rank) const override {
    std::vector<model::RoutingBatch> layers = original_.route(micro_batch, rank);
    for (model::RoutingBatch& batch : layers) alter(rank % group_size_, batch);
    return layers;
  }
  bool applies_capacity() const override { return true; }
  std::string description() const override { return original_.description(); }

 private:
  void alter(int position, model::RoutingBatch& batch) const {
    if (gate_.type == model::RouterType::expert_choice) return;
    if (change_.balanced) {
      // Sources follow one another, so that a group's pairs are spread evenly too.
      const auto pairs = static_cast<std::int64_t>(batch.experts.size());
      balance_choices(batch,
                      static_cast<int>(pairs % batch.num_experts * position % batch.num_experts));
    }
    if (change_.dropless) {
      undo_drops(batch);
    } else if (change_.balanced || !original_.applies_capacity()) {
      drop_what_is_over(batch);
    }
  }

  void drop_what_is_over(model::RoutingBatch& batch) const {
    model::RouterConfig gate = gate_;
    if (change_.balanced) gate.overflow = model::OverflowPolicy::drop;
    model::apply_capacity(gate, batch);
  }

  const RoutingSource& original_;
  RoutingChange change_;
  int group_size_;
  model::RouterConfig gate_;
};

}  // namespace

std::unique_ptr<RoutingSource> alter_routing(const RoutingSource& original,
                                             const RoutingContext& context,
                                             const RoutingChange& change) {
  return std::make_unique<AlteredRouting>(original, context, change);
}

}  // namespace moesim::sim
