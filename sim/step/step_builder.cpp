// SPDX-License-Identifier: Apache-2.0
#include "sim/step/step_builder.h"

#include <algorithm>

#include "model/spec/parameter_count.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;

constexpr double kGradientBytes = 4;  // fp32, as Megatron-Core accumulates and reduces them

// Builds the graph rank by rank in program order: each rank's next operation waits for its last.
class Builder {
 public:
  explicit Builder(const StepInput& input) : input_(input) {
    for (const Group& group : input.groups) {
      graph_.ranks.insert(graph_.ranks.end(), group.ranks.begin(), group.ranks.end());
    }
    std::sort(graph_.ranks.begin(), graph_.ranks.end());
    graph_.num_ranks = input.router.cluster().num_ranks();
    int moe_layers = 0;
    for (int layer = 0; layer < input.model.num_hidden_layers; ++layer) {
      moe_layers_before_.push_back(moe_layers);
      moe_layers += input.model.is_moe_layer(layer) ? 1 : 0;
    }
    last_.assign(graph_.num_ranks, -1);
  }

  StepGraph build() {
    const int micro_batches = static_cast<int>(input_.plans.size());
    for (int micro_batch = 0; micro_batch < micro_batches; ++micro_batch) {
      run_pass(micro_batch, false);
      run_pass(micro_batch, true);
    }
    reduce_gradients();
    step_optimizer();
    return std::move(graph_);
  }

 private:
  // Where in the step the next operations belong.
  struct Position {
    int micro_batch;
    int layer;
    bool backward;
  };

  void run_pass(int micro_batch, bool backward) {
    const int layers = input_.model.num_hidden_layers;
    const Position ends{micro_batch, -1, backward};
    if (!backward) {
      each_rank(ends, Phase::embedding,
                [](const LayerCost& cost, int tokens) { return cost.embedding(tokens); });
    } else {
      each_rank(ends, Phase::head,
                [](const LayerCost& cost, int tokens) { return cost.head(tokens); });
    }
    for (int step = 0; step < layers; ++step) {
      const Position here{micro_batch, backward ? layers - 1 - step : step, backward};
      if (!backward) attention(here);
      feed_forward(here);
      if (backward) attention(here);
    }
    if (!backward) {
      each_rank(ends, Phase::head,
                [](const LayerCost& cost, int tokens) { return cost.head(tokens); });
    } else {
      each_rank(ends, Phase::embedding,
                [](const LayerCost& cost, int tokens) { return cost.embedding(tokens); });
    }
  }

  void attention(const Position& here) {
    each_rank(here, Phase::attention,
              [](const LayerCost& cost, int tokens) { return cost.attention(tokens); });
  }

  void feed_forward(const Position& here) {
    if (!input_.model.is_moe_layer(here.layer)) {
      each_rank(here, Phase::dense_ffn,
                [](const LayerCost& cost, int tokens) { return cost.dense_ffn(tokens); });
      return;
    }
    for (std::size_t group = 0; group < input_.groups.size(); ++group) {
      if (here.backward) {
        moe_backward(here, static_cast<int>(group));
      } else {
        moe_forward(here, static_cast<int>(group));
      }
    }
  }

  void moe_forward(const Position& here, int group) {
    router(here, group);
    shared_expert(here, group);
    exchange(here, group, Phase::dispatch, Direction::to_experts, input_.dispatch_type);
    experts(here, group);
    exchange(here, group, Phase::combine, Direction::from_experts, WireType::bf16);
    combine(here, group);
  }

  // The mirror image: gradients of the combined rows go out to the experts, gradients of the
  // dispatched rows come back, both in bf16.
  void moe_backward(const Position& here, int group) {
    combine(here, group);
    exchange(here, group, Phase::combine, Direction::to_experts, WireType::bf16);
    experts(here, group);
    exchange(here, group, Phase::dispatch, Direction::from_experts, WireType::bf16);
    shared_expert(here, group);
    router(here, group);
  }

  void router(const Position& here, int group) {
    const DispatchPlan& plan = plan_of(here, group);
    for (int position = 0; position < plan.num_ranks; ++position) {
      const int rank = input_.groups[group].ranks[position];
      compute(here, Phase::router, rank,
              cost_of(rank).router(plan.tokens[position], rows_sent(plan, position)));
    }
  }

  void shared_expert(const Position& here, int group) {
    if (input_.model.shared_expert_intermediate_size == 0) return;
    const DispatchPlan& plan = plan_of(here, group);
    for (int position = 0; position < plan.num_ranks; ++position) {
      const int rank = input_.groups[group].ranks[position];
      compute(here, Phase::shared_expert, rank, cost_of(rank).shared_expert(plan.tokens[position]));
    }
  }

  void experts(const Position& here, int group) {
    const DispatchPlan& plan = plan_of(here, group);
    for (int position = 0; position < plan.num_ranks; ++position) {
      const int rank = input_.groups[group].ranks[position];
      compute(here, Phase::expert, rank, cost_of(rank).experts(plan.rank_expert_rows[position]));
    }
  }

  void combine(const Position& here, int group) {
    const DispatchPlan& plan = plan_of(here, group);
    for (int position = 0; position < plan.num_ranks; ++position) {
      const int rank = input_.groups[group].ranks[position];
      compute(here, Phase::combine, rank,
              cost_of(rank).combine(plan.tokens[position], rows_sent(plan, position)));
    }
  }

  void exchange(const Position& here, int group, Phase phase, Direction direction, WireType type) {
    const Bytes row = row_bytes(type, input_.model.hidden_size);
    Collective collective =
        all_to_all(input_.all_to_all, input_.groups[group], plan_of(here, group), direction, row);
    add_collective({phase, here.layer, here.micro_batch, here.backward}, std::move(collective));
  }

  // Dense gradients are summed over all ranks; each expert's over the groups' copies of it.
  void reduce_gradients() {
    const model::ParameterCount count = model::count_parameters(input_.model);
    reduce(graph_.ranks, static_cast<double>(count.replicated()));
    if (input_.groups.size() < 2) return;
    for (int position = 0; position < input_.placement.num_ranks; ++position) {
      std::vector<int> copies;
      for (const Group& group : input_.groups) copies.push_back(group.ranks[position]);
      reduce(copies, expert_parameters_of(position));
    }
  }

  void reduce(const std::vector<int>& ranks, double parameters) {
    if (ranks.size() < 2) return;
    add_collective(
        {Phase::all_reduce, -1, -1, true},
        all_reduce(input_.all_reduce, input_.router, ranks, Bytes(kGradientBytes * parameters)));
  }

  void step_optimizer() {
    const model::ParameterCount count = model::count_parameters(input_.model);
    for (const Group& group : input_.groups) {
      for (std::size_t position = 0; position < group.ranks.size(); ++position) {
        const auto held =
            count.replicated() +
            static_cast<std::int64_t>(expert_parameters_of(static_cast<int>(position)));
        const int rank = group.ranks[position];
        add_compute({Phase::optimizer, -1, -1, false}, rank, cost_of(rank).optimizer(held));
      }
    }
  }

  double expert_parameters_of(int position) const {
    const auto experts = static_cast<double>(input_.placement.experts_of_rank(position).size());
    return experts * static_cast<double>(model::expert_parameters(input_.model)) *
           input_.model.num_moe_layers();
  }

  template <class TimesOfTokens>
  void each_rank(const Position& here, Phase phase, const TimesOfTokens& times) {
    const auto& any_layer = input_.plans[here.micro_batch].front();
    for (std::size_t group = 0; group < input_.groups.size(); ++group) {
      for (std::size_t position = 0; position < input_.groups[group].ranks.size(); ++position) {
        const int rank = input_.groups[group].ranks[position];
        compute(here, phase, rank, times(cost_of(rank), any_layer[group].tokens[position]));
      }
    }
  }

  void compute(const Position& here, Phase phase, int rank, const PassTimes& times) {
    add_compute({phase, here.layer, here.micro_batch, here.backward}, rank,
                here.backward ? times.backward : times.forward);
  }

  void add_compute(const OpLabel& label, int rank, Seconds duration) {
    last_[rank] = graph_.add({label, rank, duration, -1}, last_of(rank));
  }

  void add_collective(const OpLabel& label, Collective collective) {
    collective = with_protocol(std::move(collective), input_.protocol, input_.router);
    collective.name = to_text(label);
    std::vector<int> waits_for;
    for (const int rank : collective.ranks) {
      if (last_[rank] >= 0) waits_for.push_back(last_[rank]);
    }
    const Op op{label, -1, Seconds(0), static_cast<int>(graph_.collectives.size())};
    const int index = graph_.add(op, waits_for);
    for (const int rank : collective.ranks) last_[rank] = index;
    graph_.collectives.push_back(std::move(collective));
  }

  const LayerCost& cost_of(int rank) const { return *input_.costs[rank]; }

  std::vector<int> last_of(int rank) const {
    return last_[rank] < 0 ? std::vector<int>{} : std::vector<int>{last_[rank]};
  }

  const DispatchPlan& plan_of(const Position& here, int group) const {
    return input_.plans[here.micro_batch][moe_layers_before_[here.layer]][group];
  }

  static std::int64_t rows_sent(const DispatchPlan& plan, int source) {
    std::int64_t rows = 0;
    for (int destination = 0; destination < plan.num_ranks; ++destination) {
      rows += plan.rows[source * plan.num_ranks + destination];
    }
    return rows;
  }

  const StepInput& input_;
  StepGraph graph_;
  std::vector<int> last_;               // [rank] its latest operation
  std::vector<int> moe_layers_before_;  // [layer] index of an MoE layer among the MoE layers
};

}  // namespace

StepGraph build_step(const StepInput& input) { return Builder(input).build(); }

}  // namespace moesim::sim
