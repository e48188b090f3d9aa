// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/whole_layer.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "model/cuda/gemm/cuda_status.h"

namespace moesim::bench {

using model::cuda::Bf16;
using model::cuda::GroupedProducts;
using model::cuda::ProductMethod;
using model::cuda::require;

namespace {

std::size_t floats(std::int64_t count) { return static_cast<std::size_t>(count) * sizeof(float); }

template <class T>
std::vector<T> copied_down(const T* from, std::int64_t count) {
  std::vector<T> values(static_cast<std::size_t>(count));
  require(cudaMemcpy(values.data(), from, values.size() * sizeof(T), cudaMemcpyDefault),
          "a copy down");
  return values;
}

}  // namespace

WholeLayer::WholeLayer(ExpertLayer& layer, const BenchPoint& point,
                       const std::vector<std::int32_t>& choices)
    : layer_(layer),
      point_(point),
      choices_(choices),
      logits_(floats(std::int64_t{point.tokens} * point.shape.experts)),
      scores_(floats(std::int64_t{point.tokens} * point.shape.experts)),
      chosen_(floats(point.rows())),
      weights_(floats(point.rows())),
      table_(floats(std::int64_t{blocks_of_order(point.rows())} * point.shape.experts)),
      place_(floats(point.rows())),
      pair_of_(floats(point.rows())),
      output_(static_cast<std::size_t>(point.tokens) *
              static_cast<std::size_t>(point.shape.hidden) * sizeof(Bf16)),
      first_row_(static_cast<std::size_t>(point.shape.experts) + 1) {
  const std::vector<float> logits = logits_for(point, choices_);
  require(cudaMemcpy(logits_.as<float>(), logits.data(), logits.size() * sizeof(float),
                     cudaMemcpyDefault),
          "a copy up");
  // A copy from pageable memory ends on the legacy stream, which others do not wait for.
  require(cudaDeviceSynchronize(), "the logits");
  routing_.logits = logits_.as<float>();
  routing_.scores = scores_.as<float>();
  routing_.chosen = chosen_.as<std::int32_t>();
  routing_.weights = weights_.as<float>();
  routing_.table = table_.as<std::int32_t>();
  routing_.first_row = layer.first_row();
  routing_.place = place_.as<std::int32_t>();
  routing_.pair_of = pair_of_.as<std::int32_t>();
  routing_.token_of = layer.token();
  routing_.tokens = point.tokens;
  routing_.experts = point.shape.experts;
  routing_.top_k = point.shape.top_k;
}

void WholeLayer::poison_results() const {
  layer_.poison_results();
  layer_.poison_order();
  output_.poison();
}

void WholeLayer::forward(GroupedProducts& products, ProductMethod method, CUstream_st* stream) {
  route_and_order(routing_, stream);
  if (method == ProductMethod::cublas_loop || method == ProductMethod::cublas_grouped) {
    require(
        cudaMemcpyAsync(first_row_.data(), routing_.first_row,
                        first_row_.size() * sizeof(std::int32_t), cudaMemcpyDeviceToHost, stream),
        "the counts");
    require(cudaStreamSynchronize(stream), "the counts");
  }
  layer_.forward(products, method, first_row_);
  combine_rows(routing_, layer_.output(), point_.shape.hidden, output_.as<Bf16>(), stream);
}

void WholeLayer::require_order() const {
  const RowOrder order = row_order(point_, choices_);
  const bool same =
      copied_down(routing_.first_row, static_cast<std::int64_t>(order.first_row.size())) ==
          order.first_row &&
      copied_down(routing_.token_of, static_cast<std::int64_t>(order.token.size())) ==
          order.token &&
      copied_down(routing_.chosen, static_cast<std::int64_t>(choices_.size())) == choices_;
  if (!same) throw std::runtime_error("the rows' order is wrong");
}

double WholeLayer::error_of_forward(int tokens) const {
  require(cudaDeviceSynchronize(), "the layer");
  require_order();
  const std::int64_t hidden = point_.shape.hidden;
  const int top_k = point_.shape.top_k;
  const std::vector<double> weights = routing_weights(top_k);
  double squares = 0;
  double size = 0;
  for (int i = 0; i < tokens; ++i) {
    const std::int64_t token = std::int64_t{point_.tokens - 1} * i / std::max(1, tokens - 1);
    std::vector<double> sum(static_cast<std::size_t>(hidden), 0.0);
    const std::vector<std::int32_t> rows = copied_down(routing_.place + token * top_k, top_k);
    for (std::size_t slot = 0; slot < rows.size(); ++slot) {
      const std::vector<Bf16> row = copied_down(layer_.output() + rows[slot] * hidden, hidden);
      for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += weights[slot] * to_float(row[j]);
    }
    const std::vector<Bf16> result = copied_down(output_.as<Bf16>() + token * hidden, hidden);
    for (std::size_t j = 0; j < sum.size(); ++j) {
      squares += (to_float(result[j]) - sum[j]) * (to_float(result[j]) - sum[j]);
      size += sum[j] * sum[j];
    }
  }
  return std::sqrt(squares / size);
}

}  // namespace moesim::bench
