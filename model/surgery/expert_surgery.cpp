// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/expert_surgery.h"

#include <cmath>
#include <utility>

#include "base/check.h"
#include "model/train/optimizer.h"

namespace moesim::model {
namespace {

// How a matrix of the new model is filled: copies from the old one, with noise where `rng` is
// given.
struct Copying {
  const std::vector<NewExpert>& experts;
  base::Rng* rng = nullptr;  // null: moments, which get no noise
};

// A part of a matrix that belongs to one expert: its rows, or the columns of a [1, units] bias.
struct Part {
  Index first = 0;
  Index size = 0;
};

template <class Block>
void add_noise(double noise, base::Rng& rng, Block&& block) {
  using S = typename std::decay_t<Block>::Scalar;
  const double root_mean_square = std::sqrt(block.template cast<double>().array().square().mean());
  for (Index i = 0; i < block.rows(); ++i) {
    for (Index j = 0; j < block.cols(); ++j) {
      block(i, j) += static_cast<S>(noise * root_mean_square * rng.normal());
    }
  }
}

// The rows of each expert; `part_of(shape, expert)` says which in the old and in the new matrix.
template <class S, class PartOf>
void copy_rows(const Copying& copying, const Matrix<S>& from, Matrix<S>& to,
               const PartOf& part_of) {
  if (to.size() == 0) return;
  for (std::size_t e = 0; e < copying.experts.size(); ++e) {
    const NewExpert& expert = copying.experts[e];
    if (expert.source == NewExpert::kFresh) continue;
    const Part old_part = part_of(false, expert.source);
    const Part new_part = part_of(true, static_cast<int>(e));
    auto rows = to.middleRows(new_part.first, new_part.size);
    rows = from.middleRows(old_part.first, old_part.size);
    if (copying.rng != nullptr && expert.noise > 0) add_noise(expert.noise, *copying.rng, rows);
  }
}

// The same of columns; biases get no noise.
template <class S, class PartOf>
void copy_columns(const Copying& copying, const Matrix<S>& from, Matrix<S>& to,
                  const PartOf& part_of) {
  if (to.size() == 0) return;
  for (std::size_t e = 0; e < copying.experts.size(); ++e) {
    const int source = copying.experts[e].source;
    if (source == NewExpert::kFresh) continue;
    const Part old_part = part_of(false, source);
    const Part new_part = part_of(true, static_cast<int>(e));
    to.middleCols(new_part.first, new_part.size) = from.middleCols(old_part.first, old_part.size);
  }
}

template <class S>
void copy_experts(const Copying& copying, const ExpertShape& old_shape,
                  const ExpertShape& new_shape, const ExpertWeights<S>& from,
                  ExpertWeights<S>& to) {
  const auto units = [&](bool is_new, int e) {
    const ExpertShape& shape = is_new ? new_shape : old_shape;
    return Part{shape.first[e], shape.units(e)};
  };
  const Copying without_noise{copying.experts, nullptr};
  const auto row = [](bool, int e) { return Part{e, 1}; };
  copy_rows(copying, from.gate, to.gate, units);
  copy_rows(copying, from.up, to.up, units);
  copy_rows(copying, from.down, to.down, units);
  copy_columns(copying, from.gate_bias, to.gate_bias, units);
  copy_columns(copying, from.up_bias, to.up_bias, units);
  copy_rows(without_noise, from.down_bias, to.down_bias, row);
}

template <class S>
void copy_router(const Copying& copying, const RouterWeights<S>& from, RouterWeights<S>& to) {
  const auto row = [](bool, int e) { return Part{e, 1}; };
  copy_rows(copying, from.gate, to.gate, row);
  copy_rows({copying.experts, nullptr}, from.noise, to.noise, row);
  copy_columns(copying, from.selection_bias, to.selection_bias, row);
  to.group_gate = from.group_gate;
}

template <class S>
void set_zero(MoeLayerWeights<S>& weights) {
  for (Matrix<S>* matrix :
       {&weights.router.gate, &weights.router.noise, &weights.router.selection_bias}) {
    matrix->setZero();
  }
  for_each_matrix(weights.experts, [](Matrix<S>& matrix) { matrix.setZero(); });
}

// One set of weights, or of moments, which lie in a value of the same type.
template <class S>
struct Change {
  const ExpertPlan& plan;
  const MoeGptConfig& before;
  const MoeGptConfig& after;
  bool is_moments = false;

  void run(base::Rng& rng, MoeGptWeights<S>& weights) const {
    auto layer_plan = plan.begin();
    for (int layer = 0; layer < before.num_hidden_layers; ++layer) {
      if (!before.is_moe_layer(layer)) continue;
      const ExpertShape old_shape = block_shape(before, layer).moe.experts;
      const ExpertShape new_shape = block_shape(after, layer).moe.experts;
      MoeLayerWeights<S>& old = weights.blocks[layer].moe;
      MoeLayerWeights<S> fresh;
      fresh.router = random_router<S>(after.router, after.hidden_size, rng);
      fresh.experts = random_experts<S>(after, new_shape, rng);
      if (is_moments) set_zero(fresh);
      const Copying copying{*layer_plan++, is_moments ? nullptr : &rng};
      copy_router(copying, old.router, fresh.router);
      copy_experts(copying, old_shape, new_shape, old.experts, fresh.experts);
      old.router = std::move(fresh.router);
      old.experts = std::move(fresh.experts);
    }
  }
};

std::vector<Parameter<float>> trained_parameters(MoeGptWeights<float>& weights) {
  std::vector<Parameter<float>> list = parameters(weights);
  std::erase_if(list, [](const Parameter<float>& parameter) { return !parameter.trained; });
  return list;
}

// Lays one matrix for each trained parameter into a value shaped as the weights, changes that, and
// takes the matrices out again.
void change_moments(const Change<float>& change, const MoeGptWeights<float>& weights_before,
                    std::vector<Matrix<float>>& moments) {
  if (moments.empty()) return;
  MoeGptWeights<float> laid_out = weights_before;
  const auto places = trained_parameters(laid_out);
  CHECK(places.size() == moments.size(), "an optimizer has one entry for each trained parameter");
  for (std::size_t p = 0; p < places.size(); ++p) *places[p].matrix = std::move(moments[p]);
  base::Rng unused(0, "moments");
  change.run(unused, laid_out);
  const auto changed = trained_parameters(laid_out);
  for (std::size_t p = 0; p < changed.size(); ++p) moments[p] = std::move(*changed[p].matrix);
}

}  // namespace

template <class S>
void change_experts(const ExpertPlan& plan, base::Rng& rng, MoeGptConfig& config,
                    MoeGptWeights<S>& weights) {
  const MoeGptConfig after = changed_config(config, plan);
  Change<S>{plan, config, after}.run(rng, weights);
  config = after;
}

void change_experts(const ExpertPlan& plan, base::Rng& rng, MoeGptConfig& config,
                    TrainerState& state) {
  const MoeGptConfig after = changed_config(config, plan);
  const Change<float> moments{plan, config, after, true};
  change_moments(moments, state.weights, state.optimizer.momentum);
  change_moments(moments, state.weights, state.optimizer.variance);
  std::vector<Matrix<float>>& masters = state.optimizer.masters;
  if (!masters.empty()) {
    const auto rounded = trained_parameters(state.weights);
    for (std::size_t p = 0; p < rounded.size(); ++p) *rounded[p].matrix = std::move(masters[p]);
  }
  change_experts(plan, rng, config, state.weights);
  state.history.usage.clear();
  if (masters.empty()) return;
  const auto list = trained_parameters(state.weights);
  for (std::size_t p = 0; p < list.size(); ++p) masters[p] = *list[p].matrix;
  round_weights(list);
}

template void change_experts(const ExpertPlan&, base::Rng&, MoeGptConfig&, MoeGptWeights<float>&);
template void change_experts(const ExpertPlan&, base::Rng&, MoeGptConfig&, MoeGptWeights<double>&);

}  // namespace moesim::model
