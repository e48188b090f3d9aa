// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_experts.h"

#include <algorithm>

#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {
namespace {

Index most_units(const ExpertShape& shape) {
  Index most = 0;
  for (int e = 0; e < shape.count(); ++e) most = std::max(most, shape.units(e));
  return most;
}

// Tiles of products whose rows, at most `rows` in all, are shared out among the experts.
std::int64_t most_tiles_of_rows(const ExpertShape& shape, std::int64_t rows, std::int64_t width) {
  return (rows / kTile + shape.count()) * tiles_along(width);
}

// Plans and runs the products of one kind at a time.
class StackProducts {
 public:
  StackProducts(const DeviceExperts& experts, const DeviceRows& rows, DeviceExpertCache& cache)
      : experts_(experts), rows_(rows), cache_(cache) {
    const auto count = static_cast<std::size_t>(experts.shape.count());
    cache.products.reserve(experts.pass.device, count);
    cache.first_tile.reserve(experts.pass.device, count + 1);
  }

  void into_units(const float* rows, const Matrix<float>& weights, const Matrix<float>& bias,
                  float* activations) const {
    PlanExpertProducts plan = planned(ExpertProduct::into_units, activations, false);
    plan.rows = rows;
    plan.weights = experts_.pass.parameters.value(weights);
    plan.bias = experts_.pass.parameters.value(bias);
    run(plan, most_tiles_of_rows(experts_.shape, rows_.most, most_units(experts_.shape)));
  }
  void into_rows(const float* activations, const Matrix<float>& weights, const float* bias,
                 bool accumulate, float* rows) const {
    PlanExpertProducts plan = planned(ExpertProduct::into_rows, rows, accumulate);
    plan.activations = activations;
    plan.weights = experts_.pass.parameters.value(weights);
    plan.bias = bias;
    run(plan, most_tiles_of_rows(experts_.shape, rows_.most, experts_.shape.hidden));
  }
  void into_weights(const float* activations, const float* rows,
                    const Matrix<float>& weight) const {
    PlanExpertProducts plan = gradient(ExpertProduct::into_weights, weight);
    plan.activations = activations;
    plan.rows = rows;
    std::int64_t tiles = 0;
    for (int e = 0; e < experts_.shape.count(); ++e) tiles += tiles_along(experts_.shape.units(e));
    run(plan, tiles * tiles_along(experts_.shape.hidden));
  }
  void into_unit_bias(const float* activations, const Matrix<float>& weight) const {
    PlanExpertProducts plan = gradient(ExpertProduct::into_unit_bias, weight);
    plan.activations = activations;
    plan.weights = cache_.ones.data();
    run(plan, experts_.shape.count() * tiles_along(most_units(experts_.shape)));
  }
  void into_row_bias(const float* row_weights, const float* rows,
                     const Matrix<float>& weight) const {
    PlanExpertProducts plan = gradient(ExpertProduct::into_row_bias, weight);
    plan.weights = row_weights == nullptr ? cache_.ones.data() : row_weights;
    plan.rows = rows;
    run(plan, experts_.shape.count() * tiles_along(experts_.shape.hidden));
  }

 private:
  PlanExpertProducts planned(ExpertProduct kind, float* result, bool accumulate) const {
    PlanExpertProducts plan;
    plan.spans = cache_.spans.data();
    plan.experts = experts_.shape.count();
    plan.hidden = experts_.shape.hidden;
    plan.kind = kind;
    plan.result = result;
    plan.accumulate = accumulate;
    plan.products = cache_.products.data();
    plan.first_tile = cache_.first_tile.data();
    return plan;
  }
  PlanExpertProducts gradient(ExpertProduct kind, const Matrix<float>& weight) const {
    return planned(kind, experts_.pass.parameters.gradient(weight),
                   experts_.pass.host.add_gradients);
  }
  void run(const PlanExpertProducts& plan, std::int64_t most_tiles) const {
    Device& device = experts_.pass.device;
    launch(device, plan, 1);
    launch(device, MultiplyMany{plan.products, plan.first_tile, plan.experts}, most_tiles,
           kMultiplyShared);
  }

  const DeviceExperts& experts_;
  const DeviceRows& rows_;
  DeviceExpertCache& cache_;
};

RowsOfExperts activated_rows(const DeviceExperts& experts, const DeviceRows& rows,
                             const DeviceExpertCache& cache) {
  RowsOfExperts all;
  all.spans = cache.spans.data();
  all.experts = experts.shape.count();
  all.count = rows.first_row + experts.shape.count();
  all.activation = experts.shape.activation;
  all.gated = experts.shape.gated;
  all.dropout = dropout_rule(experts.pass, experts.shape.name, experts.shape.dropout);
  return all;
}

void place_experts(const DeviceExperts& experts, const DeviceRows& rows, DeviceExpertCache& cache) {
  Device& device = experts.pass.device;
  const ExpertShape& shape = experts.shape;
  if (cache.first_unit.size() != shape.first.size()) {
    cache.first_unit.upload(device,
                            std::vector<std::int64_t>(shape.first.begin(), shape.first.end()));
  }
  cache.spans.reserve(device, static_cast<std::size_t>(shape.count()));
  launch(device,
         PlaceExperts{rows.first_row, cache.first_unit.data(), cache.spans.data(), shape.count()},
         1);
}

}  // namespace

void DeviceExperts::forward(const DeviceRows& rows, const float* input, DeviceExpertCache& cache,
                            float* output) const {
  Device& device = pass.device;
  const auto size = static_cast<std::size_t>(rows.most * most_units(shape));
  place_experts(*this, rows, cache);
  const StackProducts products(*this, rows, cache);
  ActivateRows activation;
  activation.rows = activated_rows(*this, rows, cache);
  if (shape.gated) {
    activation.gate = cache.gate.reserve(device, size);
    products.into_units(input, weights.gate, weights.gate_bias, cache.gate.data());
  }
  activation.up = cache.up.reserve(device, size);
  activation.activated = cache.activated.reserve(device, size);
  products.into_units(input, weights.up, weights.up_bias, cache.up.data());
  launch(device, activation, blocks_for_rows(rows.most));
  products.into_rows(cache.activated.data(), weights.down, pass.parameters.value(weights.down_bias),
                     false, output);
}

void DeviceExperts::backward(const DeviceRows& rows, const float* input,
                             const DeviceExpertGradients& gradients,
                             DeviceExpertCache& cache) const {
  Device& device = pass.device;
  const StackProducts products(*this, rows, cache);
  float* const gate = shape.gated ? cache.gate.data() : nullptr;
  float* const up = cache.up.data();
  float* const activated = cache.activated.data();
  products.into_units(gradients.d_output, weights.down, {}, activated);
  ActivateRowsBackward activation;
  activation.rows = activated_rows(*this, rows, cache);
  activation.gate = gate;
  activation.up = up;
  activation.d = activated;
  activation.weights = gradients.weights;
  activation.d_weights = gradients.d_weights;
  launch(device, activation, blocks_for_rows(rows.most));
  products.into_weights(activated, gradients.d_output, weights.down);
  if (shape.gated) products.into_weights(gate, input, weights.gate);
  products.into_weights(up, input, weights.up);
  if (shape.bias) {
    cache.ones.upload(device, std::vector<float>(static_cast<std::size_t>(rows.most), 1.0F));
    if (shape.gated) products.into_unit_bias(gate, weights.gate_bias);
    products.into_unit_bias(up, weights.up_bias);
    products.into_row_bias(gradients.weights, gradients.d_output, weights.down_bias);
    if (gradients.d_weights != nullptr) {
      launch(device,
             AddBiasToWeightGradient{cache.spans.data(), rows.first_row + shape.count(),
                                     gradients.d_output, pass.parameters.value(weights.down_bias),
                                     gradients.d_weights, shape.count(), shape.hidden},
             blocks_for_rows(rows.most));
    }
  }
  // The gradients of the output have been read by now, so that d_input may take their place.
  const bool add = gradients.add_to_d_input;
  if (shape.gated) products.into_rows(gate, weights.gate, nullptr, add, gradients.d_input);
  products.into_rows(up, weights.up, nullptr, shape.gated || add, gradients.d_input);
}

}  // namespace moesim::model::cuda
