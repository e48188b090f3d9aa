// SPDX-License-Identifier: Apache-2.0
#include "model/capture/moe_layer_capture.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/checkpoint/safetensors.h"

namespace moesim::model {
namespace {

base::JsonValue finite_or_null(double value) {
  return std::isfinite(value) ? base::json_of(value) : base::JsonValue{};
}

template <class S>
base::JsonValue rows_json(const Matrix<S>& matrix) {
  base::JsonValue rows = base::json_array();
  for (Index i = 0; i < matrix.rows(); ++i) {
    base::JsonValue row = base::json_array();
    for (Index j = 0; j < matrix.cols(); ++j) {
      row.items.push_back(finite_or_null(static_cast<double>(matrix(i, j))));
    }
    rows.items.push_back(std::move(row));
  }
  return rows;
}

template <class T>
base::JsonValue list_json(std::span<const T> values) {
  base::JsonValue list = base::json_array();
  for (const T value : values) list.items.push_back(base::json_of(int{value}));
  return list;
}

// [tokens, top_k] values as rows.
template <class T>
base::JsonValue pair_rows_json(const std::vector<T>& values, Index top_k) {
  base::JsonValue rows = base::json_array();
  for (std::size_t first = 0; first < values.size(); first += static_cast<std::size_t>(top_k)) {
    rows.items.push_back(list_json(std::span(values).subspan(first, top_k)));
  }
  return rows;
}

template <class S>
Tensor matrix_of(std::string name, const Matrix<S>& matrix) {
  return tensor_of(std::move(name), {matrix.rows(), matrix.cols()},
                   std::span<const S>(matrix.data(), matrix.size()));
}

Tensor scalar_of(std::string name, double value) {
  return tensor_of(std::move(name), {}, std::span<const double>(&value, 1));
}

template <class S>
std::vector<ExpertCapture<S>> outputs_of_experts(const ExpertOrder& order,
                                                 const Matrix<S>& outputs) {
  std::vector<ExpertCapture<S>> experts(order.first_row.size() - 1);
  for (std::size_t e = 0; e < experts.size(); ++e) {
    const Index first = order.first_row[e];
    const Index end = order.first_row[e + 1];
    experts[e].tokens.assign(order.token.begin() + first, order.token.begin() + end);
    experts[e].outputs = outputs.middleRows(first, end - first);
  }
  return experts;
}

}  // namespace

template <class S>
MoeLayerCapture<S> capture_moe_layer(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                                     const Pass<S>& pass, std::span<const std::uint8_t> inputs,
                                     int layer) {
  if (layer < 0 || layer >= config.num_hidden_layers || !config.is_moe_layer(layer)) {
    throw base::Error("layer", std::to_string(layer) + " is not a MoE layer of this model",
                      "use a layer from 0 to " + std::to_string(config.num_hidden_layers - 1) +
                          " that is not dense");
  }
  const BlockShape shape = block_shape(config, layer);
  const TokenContext context{inputs, config.seq_length, layer};
  ForwardCache<S> before;
  Matrix<S>& x = ResidualStream<S>{weights, config, pass}.run(inputs, layer, before);
  BlockCache<S>& cache = before.block;
  const TransformerBlock<S> block{weights.blocks[layer], shape, context, pass};
  block.forward_attention(x, cache);
  MoeLayerCapture<S> capture;
  const MoeLayer<S> moe{weights.blocks[layer].moe, shape.moe, context, pass};
  moe.forward(cache.ffn_input, cache.moe, capture.final_output);
  RouterCache<S>& router = cache.moe.router;
  capture.layer = layer;
  capture.expert_outputs = outputs_of_experts(cache.moe.order, cache.moe.scratch.output);
  for (std::size_t pair = 0; pair < router.batch.experts.size(); ++pair) {
    capture.kept.push_back(cache.moe.order.place[pair] >= 0 ? 1 : 0);
  }
  capture.gate_scores = std::move(router.scores);
  capture.top_k_scores = std::move(router.weights);
  capture.top_k_indices = std::move(router.batch.experts);
  capture.load_balance_loss = router.loss;
  capture.balance_terms = std::move(router.losses);
  return capture;
}

template <class S>
base::JsonValue capture_json(const MoeLayerCapture<S>& capture) {
  const Index top_k = capture.top_k_scores.cols();
  base::JsonValue json = base::json_object();
  add_member(json, "layer", base::json_of(capture.layer));
  add_member(json, "gate_scores", rows_json(capture.gate_scores));
  add_member(json, "top_k_scores", rows_json(capture.top_k_scores));
  add_member(json, "top_k_indices", pair_rows_json(capture.top_k_indices, top_k));
  add_member(json, "kept", pair_rows_json(capture.kept, top_k));
  base::JsonValue& experts = add_member(json, "expert_outputs", base::json_array());
  for (std::size_t e = 0; e < capture.expert_outputs.size(); ++e) {
    const ExpertCapture<S>& expert = capture.expert_outputs[e];
    base::JsonValue entry = base::json_object();
    add_member(entry, "expert", base::json_of(static_cast<int>(e)));
    add_member(entry, "tokens", list_json(std::span<const std::int32_t>(expert.tokens)));
    add_member(entry, "outputs", rows_json(expert.outputs));
    experts.items.push_back(std::move(entry));
  }
  add_member(json, "final_output", rows_json(capture.final_output));
  add_member(json, "load_balance_loss", finite_or_null(capture.load_balance_loss));
  base::JsonValue& terms = add_member(json, "balance_terms", base::json_object());
  for (const BalanceTerm& term : capture.balance_terms) {
    add_member(terms, term.name, finite_or_null(term.value));
  }
  return json;
}

template <class S>
std::vector<Tensor> capture_tensors(const MoeLayerCapture<S>& capture) {
  const std::vector<std::int64_t> pairs{capture.top_k_scores.rows(), capture.top_k_scores.cols()};
  std::vector<Tensor> tensors;
  tensors.push_back(matrix_of("gate_scores", capture.gate_scores));
  tensors.push_back(matrix_of("top_k_scores", capture.top_k_scores));
  tensors.push_back(
      tensor_of("top_k_indices", pairs, std::span<const std::int32_t>(capture.top_k_indices)));
  tensors.push_back(tensor_of("kept", pairs, std::span<const std::uint8_t>(capture.kept)));
  for (std::size_t e = 0; e < capture.expert_outputs.size(); ++e) {
    const ExpertCapture<S>& expert = capture.expert_outputs[e];
    const std::string name = "expert_outputs." + std::to_string(e);
    tensors.push_back(tensor_of(name + ".tokens", {static_cast<std::int64_t>(expert.tokens.size())},
                                std::span<const std::int32_t>(expert.tokens)));
    tensors.push_back(matrix_of(name + ".outputs", expert.outputs));
  }
  tensors.push_back(matrix_of("final_output", capture.final_output));
  tensors.push_back(scalar_of("load_balance_loss", capture.load_balance_loss));
  for (const BalanceTerm& term : capture.balance_terms) {
    tensors.push_back(scalar_of("balance_terms." + term.name, term.value));
  }
  return tensors;
}

template <class S>
void write_capture(const std::filesystem::path& path, const MoeLayerCapture<S>& capture) {
  write_safetensors(path, capture_tensors(capture), {{"layer", std::to_string(capture.layer)}});
}

template MoeLayerCapture<float> capture_moe_layer(const MoeGptWeights<float>&, const MoeGptConfig&,
                                                  const Pass<float>&, std::span<const std::uint8_t>,
                                                  int);
template MoeLayerCapture<double> capture_moe_layer(const MoeGptWeights<double>&,
                                                   const MoeGptConfig&, const Pass<double>&,
                                                   std::span<const std::uint8_t>, int);
template base::JsonValue capture_json(const MoeLayerCapture<float>&);
template base::JsonValue capture_json(const MoeLayerCapture<double>&);
template std::vector<Tensor> capture_tensors(const MoeLayerCapture<float>&);
template std::vector<Tensor> capture_tensors(const MoeLayerCapture<double>&);
template void write_capture(const std::filesystem::path&, const MoeLayerCapture<float>&);
template void write_capture(const std::filesystem::path&, const MoeLayerCapture<double>&);

}  // namespace moesim::model
