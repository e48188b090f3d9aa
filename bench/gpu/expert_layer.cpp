// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/expert_layer.h"

#include <algorithm>
#include <cmath>

#include "bench/gpu/fill_normal.h"
#include "model/cuda/gemm/cuda_status.h"

namespace moesim::bench {

using model::cuda::Bf16;
using model::cuda::Form;
using model::cuda::GroupedProblem;
using model::cuda::GroupedProducts;
using model::cuda::ProductMethod;
using model::cuda::require;

DeviceMemory::DeviceMemory(std::size_t bytes) : bytes_(std::max<std::size_t>(bytes, 16)) {
  require(cudaMalloc(&memory_, bytes_), "memory");
  poison();
}
DeviceMemory::~DeviceMemory() { cudaFree(memory_); }
void DeviceMemory::poison() const { require(cudaMemset(memory_, 0xff, bytes_), "a filling"); }

namespace {

std::size_t bytes_of(std::int64_t elements) {
  return static_cast<std::size_t>(elements) * sizeof(Bf16);
}
std::int64_t elements_of(const LayerShape& shape) {
  return std::int64_t{shape.experts} * shape.units * shape.hidden;
}
float inverse_root(int count) { return 1.0F / std::sqrt(static_cast<float>(count)); }

template <class T>
void copy_up(const DeviceMemory& to, const std::vector<T>& values) {
  require(cudaMemcpy(to.as<T>(), values.data(), values.size() * sizeof(T), cudaMemcpyDefault),
          "a copy up");
}
std::vector<Bf16> copied_down(const Bf16* from, std::int64_t count) {
  std::vector<Bf16> values(static_cast<std::size_t>(count));
  require(cudaMemcpy(values.data(), from, bytes_of(count), cudaMemcpyDefault), "a copy down");
  return values;
}

}  // namespace

ExpertWeightsOnDevice::ExpertWeightsOnDevice(const LayerShape& shape)
    : shape_(shape),
      gate_(bytes_of(elements_of(shape))),
      up_(bytes_of(elements_of(shape))),
      down_(bytes_of(elements_of(shape))) {
  fill_normal(gate_.as<Bf16>(), elements_of(shape), inverse_root(shape.hidden), 1);
  fill_normal(up_.as<Bf16>(), elements_of(shape), inverse_root(shape.hidden), 2);
  fill_normal(down_.as<Bf16>(), elements_of(shape), inverse_root(shape.units), 3);
}

ExpertLayer::ExpertLayer(const ExpertWeightsOnDevice& weights, const BenchPoint& point,
                         const std::vector<std::int32_t>& choices)
    : weights_(weights),
      point_(point),
      order_(row_order(point, choices)),
      first_row_(order_.first_row.size() * sizeof(std::int32_t)),
      token_(order_.token.size() * sizeof(std::int32_t)),
      tokens_(bytes_of(std::int64_t{point.tokens} * point.shape.hidden)),
      d_output_(bytes_of(std::int64_t{point.tokens} * point.shape.hidden)),
      activated_(bytes_of(point.rows() * point.shape.units)),
      output_(bytes_of(point.rows() * point.shape.hidden)),
      z_gate_(bytes_of(point.rows() * point.shape.units)),
      z_up_(bytes_of(point.rows() * point.shape.units)),
      d_gate_(bytes_of(point.rows() * point.shape.units)),
      d_up_(bytes_of(point.rows() * point.shape.units)),
      weighted_(bytes_of(point.rows() * point.shape.units)),
      d_input_(bytes_of(point.rows() * point.shape.hidden)),
      sums_(static_cast<std::size_t>(point.rows()) * (point.shape.units / 64 + 1) * sizeof(float)),
      d_weights_(bytes_of(elements_of(point.shape))) {
  upload_order();
  fill_normal(tokens_.as<Bf16>(), std::int64_t{point.tokens} * point.shape.hidden, 1, 4);
  fill_normal(d_output_.as<Bf16>(), std::int64_t{point.tokens} * point.shape.hidden, 1, 5);
  require(cudaDeviceSynchronize(), "random values");
}

void ExpertLayer::poison_results() const {
  activated_.poison();
  output_.poison();
}

void ExpertLayer::poison_order() const {
  first_row_.poison();
  token_.poison();
}

void ExpertLayer::upload_order() const {
  copy_up(first_row_, order_.first_row);
  copy_up(token_, order_.token);
  // Copies from pageable memory end on the legacy stream, which others do not wait for.
  require(cudaDeviceSynchronize(), "the rows' order");
}

GroupedProblem<Bf16> ExpertLayer::problem(int columns, int depth) const {
  GroupedProblem<Bf16> problem;
  problem.first_row = first_row_.as<std::int32_t>();
  problem.rows = point_.rows();
  problem.experts = point_.shape.experts;
  problem.columns = columns;
  problem.depth = depth;
  return problem;
}

void ExpertLayer::forward(GroupedProducts& products, ProductMethod method,
                          const std::vector<std::int32_t>& first_row) {
  const LayerShape& shape = point_.shape;
  const std::int64_t of_expert = std::int64_t{shape.units} * shape.hidden;
  GroupedProblem<Bf16> into_units = problem(shape.units, shape.hidden);
  into_units.a[0] = {tokens_.as<Bf16>(), shape.hidden, 0, token_.as<std::int32_t>()};
  into_units.b[0] = {weights_.gate(), shape.hidden, of_expert, nullptr};
  into_units.b[1] = {weights_.up(), shape.hidden, of_expert, nullptr};
  model::cuda::ForwardUnits<Bf16, 2> units;
  if (keeps_z_) {
    units.z[0] = z_gate_.as<Bf16>();
    units.z[1] = z_up_.as<Bf16>();
  }
  units.activated = activated_.as<Bf16>();
  units.stride = shape.units;
  units.units = shape.units;
  products.run_by<Form::into_units>(method, into_units, units, first_row);

  GroupedProblem<Bf16> into_rows = problem(shape.hidden, shape.units);
  into_rows.a[0] = {activated_.as<Bf16>(), shape.units, 0, nullptr};
  into_rows.b[0] = {weights_.down(), shape.hidden, of_expert, nullptr};
  model::cuda::StoreOutput<Bf16> rows;
  rows.elements = output_.as<Bf16>();
  rows.stride = shape.hidden;
  rows.columns = shape.hidden;
  products.run_by<Form::into_rows>(method, into_rows, rows, first_row);
}

void ExpertLayer::backward(GroupedProducts& products, ProductMethod method) {
  const LayerShape& shape = point_.shape;
  const std::int64_t of_expert = std::int64_t{shape.units} * shape.hidden;
  const auto* const token = token_.as<std::int32_t>();
  GroupedProblem<Bf16> into_units = problem(shape.units, shape.hidden);
  into_units.a[0] = {d_output_.as<Bf16>(), shape.hidden, 0, token};
  into_units.b[0] = {weights_.down(), shape.hidden, of_expert, nullptr};
  model::cuda::BackwardUnits<Bf16> units;
  units.z_gate = z_gate_.as<Bf16>();
  units.z_up = z_up_.as<Bf16>();
  units.d_gate = d_gate_.as<Bf16>();
  units.d_up = d_up_.as<Bf16>();
  units.weighted = weighted_.as<Bf16>();
  units.weight_sums = sums_.as<float>();
  units.stride = shape.units;
  units.sum_columns = shape.units / 64 + 1;
  products.run_by<Form::into_units>(method, into_units, units, order_.first_row);

  GroupedProblem<Bf16> into_rows = problem(shape.hidden, shape.units);
  into_rows.segments = 2;
  into_rows.a[0] = {d_gate_.as<Bf16>(), shape.units, 0, nullptr};
  into_rows.a[1] = {d_up_.as<Bf16>(), shape.units, 0, nullptr};
  into_rows.b[0] = {weights_.gate(), shape.hidden, of_expert, nullptr};
  into_rows.b[1] = {weights_.up(), shape.hidden, of_expert, nullptr};
  model::cuda::StoreOutput<Bf16> store;
  store.elements = d_input_.as<Bf16>();
  store.stride = shape.hidden;
  store.columns = shape.hidden;
  products.run_by<Form::into_rows>(method, into_rows, store, order_.first_row);

  store.elements = d_weights_.as<Bf16>();
  store.expert_stride = of_expert;
  GroupedProblem<Bf16> into_weights = problem(shape.hidden, 0);
  into_weights.out_rows = shape.units;
  const DeviceMemory* const of_units[3] = {&weighted_, &d_gate_, &d_up_};
  for (int i = 0; i < 3; ++i) {
    const DeviceMemory& of_rows = i == 0 ? d_output_ : tokens_;
    into_weights.a[0] = {of_units[i]->as<Bf16>(), shape.units, 0, nullptr};
    into_weights.b[0] = {of_rows.as<Bf16>(), shape.hidden, 0, token};
    products.run_by<Form::into_weights>(method, into_weights, store, order_.first_row);
  }
}

// The squared norm of the reference row.
double ExpertLayer::row_of_reference(std::int64_t row, std::vector<double>& result) const {
  const LayerShape& shape = point_.shape;
  const auto expert = std::upper_bound(order_.first_row.begin(), order_.first_row.end(), row) -
                      order_.first_row.begin() - 1;
  const std::int64_t at = expert * std::int64_t{shape.units} * shape.hidden;
  const std::int64_t count = std::int64_t{shape.units} * shape.hidden;
  const std::int64_t token = order_.token[static_cast<std::size_t>(row)];
  const std::vector<Bf16> x = copied_down(tokens_.as<Bf16>() + token * shape.hidden, shape.hidden);
  const std::vector<Bf16> gate = copied_down(weights_.gate() + at, count);
  const std::vector<Bf16> up = copied_down(weights_.up() + at, count);
  const std::vector<Bf16> down = copied_down(weights_.down() + at, count);
  const auto h = static_cast<std::size_t>(shape.hidden);
  result.assign(h, 0.0);
  for (std::size_t unit = 0; unit < static_cast<std::size_t>(shape.units); ++unit) {
    double z_gate = 0;
    double z_up = 0;
    for (std::size_t i = 0; i < h; ++i) {
      z_gate += double{to_float(x[i])} * to_float(gate[unit * h + i]);
      z_up += double{to_float(x[i])} * to_float(up[unit * h + i]);
    }
    const double value = z_gate / (1 + std::exp(-z_gate)) * z_up;
    const double a = to_float(model::cuda::to_bf16(static_cast<float>(value)));
    for (std::size_t i = 0; i < h; ++i) result[i] += a * to_float(down[unit * h + i]);
  }
  double squares = 0;
  for (const double value : result) squares += value * value;
  return squares;
}

double ExpertLayer::error_of_forward(int rows) const {
  require(cudaDeviceSynchronize(), "the products");
  const std::int64_t all = point_.rows();
  double squares = 0;
  double size = 0;
  std::vector<double> reference;
  for (int i = 0; i < rows; ++i) {
    const std::int64_t row = (all - 1) * i / std::max(1, rows - 1);
    size += row_of_reference(row, reference);
    const std::vector<Bf16> result =
        copied_down(output_.as<Bf16>() + row * point_.shape.hidden, point_.shape.hidden);
    for (std::size_t j = 0; j < reference.size(); ++j) {
      const double difference = to_float(result[j]) - reference[j];
      squares += difference * difference;
    }
  }
  return std::sqrt(squares / size);
}

}  // namespace moesim::bench
