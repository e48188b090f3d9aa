// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_gpt.h"

#include <cmath>
#include <utility>

namespace moesim::model {
namespace {

constexpr Index kByteValues = 256;

template <class S>
Matrix<S> uniform_matrix(Index rows, Index cols, double variance, base::Rng& rng) {
  Matrix<S> matrix(rows, cols);
  const double reach = std::sqrt(3 * variance);  // uniform in [-r, r) has variance r^2 / 3
  for (Index i = 0; i < matrix.size(); ++i) {
    matrix.data()[i] = static_cast<S>(reach * (2 * rng.uniform() - 1));
  }
  return matrix;
}

template <class S>
LayerNormWeights<S> identity_norm(Index hidden) {
  return {Matrix<S>::Ones(1, hidden), Matrix<S>::Zero(1, hidden)};
}

template <class S>
BlockWeights<S> random_block(const MoeGptShape& shape, base::Rng& rng) {
  const Index hidden = shape.hidden_size;
  const Index intermediate = shape.moe_intermediate_size;
  const Index experts = shape.block.moe.num_experts;
  const double from_hidden = 1.0 / shape.hidden_size;
  const double residual = 0.5 / shape.num_layers;
  BlockWeights<S> block;
  block.attention_norm = identity_norm<S>(hidden);
  block.attention.query_key_value = uniform_matrix<S>(hidden, 3 * hidden, from_hidden, rng);
  block.attention.output = uniform_matrix<S>(hidden, hidden, from_hidden * residual, rng);
  block.moe_norm = identity_norm<S>(hidden);
  block.moe.gate = uniform_matrix<S>(hidden, experts, from_hidden, rng);
  block.moe.experts.gate = uniform_matrix<S>(experts * hidden, intermediate, from_hidden, rng);
  block.moe.experts.up = uniform_matrix<S>(experts * hidden, intermediate, from_hidden, rng);
  block.moe.experts.down = uniform_matrix<S>(experts * intermediate, hidden,
                                             residual / shape.moe_intermediate_size, rng);
  return block;
}

template <class S>
void append_norm(const std::string& name, LayerNormWeights<S>& norm,
                 std::vector<NamedMatrix<S>>& list) {
  list.push_back({name + ".gain", &norm.gain});
  list.push_back({name + ".bias", &norm.bias});
}

template <class S>
void append_block(const std::string& name, BlockWeights<S>& block,
                  std::vector<NamedMatrix<S>>& list) {
  append_norm(name + ".attention_norm", block.attention_norm, list);
  list.push_back({name + ".attention.query_key_value", &block.attention.query_key_value});
  list.push_back({name + ".attention.output", &block.attention.output});
  append_norm(name + ".moe_norm", block.moe_norm, list);
  list.push_back({name + ".moe.gate", &block.moe.gate});
  list.push_back({name + ".moe.experts.gate", &block.moe.experts.gate});
  list.push_back({name + ".moe.experts.up", &block.moe.experts.up});
  list.push_back({name + ".moe.experts.down", &block.moe.experts.down});
}

template <class S>
const Matrix<S>& head_of(const MoeGptWeights<S>& weights) {
  return weights.head.size() == 0 ? weights.embedding.token : weights.head;
}

}  // namespace

template <class S>
std::vector<NamedMatrix<S>> parameters(MoeGptWeights<S>& weights) {
  std::vector<NamedMatrix<S>> list = {{"embedding.token", &weights.embedding.token},
                                      {"embedding.position", &weights.embedding.position}};
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    append_block("blocks." + std::to_string(layer), weights.blocks[layer], list);
  }
  append_norm("final_norm", weights.final_norm, list);
  if (weights.head.size() != 0) list.push_back({"head", &weights.head});
  return list;
}

template <class S>
MoeGptWeights<S> random_moe_gpt(const MoeGptShape& shape, base::Rng& rng) {
  const Index hidden = shape.hidden_size;
  const double from_hidden = 1.0 / shape.hidden_size;
  MoeGptWeights<S> weights;
  weights.embedding.token = uniform_matrix<S>(kByteValues, hidden, from_hidden, rng);
  weights.embedding.position =
      uniform_matrix<S>(shape.block.attention.seq_length, hidden, from_hidden, rng);
  for (int layer = 0; layer < shape.num_layers; ++layer) {
    weights.blocks.push_back(random_block<S>(shape, rng));
  }
  weights.final_norm = identity_norm<S>(hidden);
  if (!shape.tied_head) weights.head = uniform_matrix<S>(kByteValues, hidden, from_hidden, rng);
  return weights;
}

template <class S>
MoeGptWeights<S> zero_gradient(const MoeGptWeights<S>& weights) {
  MoeGptWeights<S> gradient = weights;
  for (const NamedMatrix<S>& parameter : parameters(gradient)) parameter.matrix->setZero();
  return gradient;
}

template <class S>
MoeGptLoss moe_gpt_loss(const MoeGptWeights<S>& weights, const MoeGptShape& shape,
                        std::span<const std::uint8_t> inputs, std::span<const std::uint8_t> targets,
                        MoeGptCache<S>& cache) {
  MoeGptLoss loss;
  cache.blocks.resize(weights.blocks.size());
  Matrix<S> x = embed(weights.embedding, inputs);
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    transformer_block(weights.blocks[layer], shape.block, x, cache.blocks[layer]);
    loss.balance += static_cast<double>(cache.blocks[layer].moe.balance_loss);
  }
  const Matrix<S> normalised = layer_norm(weights.final_norm, x, cache.final_norm);
  loss.cross_entropy =
      static_cast<double>(cross_entropy(head_of(weights), normalised, targets, cache.head));
  return loss;
}

template <class S>
void MoeGptBackward<S>::run(const MoeGptCache<S>& cache, std::span<const std::uint8_t> inputs,
                            std::span<const std::uint8_t> targets,
                            MoeGptWeights<S>& gradient) const {
  // A tied head writes its part into the token embedding's gradient, to which the lookup adds.
  const bool tied = weights.head.size() == 0;
  if (!tied) gradient.embedding.token.setZero();
  gradient.embedding.position.setZero();
  Matrix<S>& head_gradient = tied ? gradient.embedding.token : gradient.head;
  const Matrix<S> d_normalised =
      cross_entropy_backward(head_of(weights), cache.head, targets, loss_scale, head_gradient);
  Matrix<S> dx =
      layer_norm_backward(weights.final_norm, cache.final_norm, d_normalised, gradient.final_norm);
  for (std::size_t layer = weights.blocks.size(); layer-- > 0;) {
    const BlockBackward<S> backward{weights.blocks[layer], shape.block, loss_scale};
    backward.run(cache.blocks[layer], dx, gradient.blocks[layer]);
  }
  embed_backward(inputs, dx, gradient.embedding);
}

template <class S>
std::vector<RoutingBatch> route_bytes(const MoeGptWeights<S>& weights, const MoeGptShape& shape,
                                      std::span<const std::uint8_t> inputs) {
  BlockShape block = shape.block;
  block.moe.aux_loss_coef = 0;
  std::vector<RoutingBatch> batches;
  BlockCache<S> cache;  // of one layer at a time
  Matrix<S> x = embed(weights.embedding, inputs);
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    const bool last = layer + 1 == weights.blocks.size();
    if (last) {
      transformer_block_until_gate(weights.blocks[layer], block, x, cache);
    } else {
      transformer_block(weights.blocks[layer], block, x, cache);
    }
    batches.push_back(std::move(cache.moe.routing.batch));
  }
  return batches;
}

template std::vector<NamedMatrix<float>> parameters(MoeGptWeights<float>&);
template std::vector<NamedMatrix<double>> parameters(MoeGptWeights<double>&);
template MoeGptWeights<float> random_moe_gpt(const MoeGptShape&, base::Rng&);
template MoeGptWeights<double> random_moe_gpt(const MoeGptShape&, base::Rng&);
template MoeGptWeights<float> zero_gradient(const MoeGptWeights<float>&);
template MoeGptWeights<double> zero_gradient(const MoeGptWeights<double>&);
template MoeGptLoss moe_gpt_loss(const MoeGptWeights<float>&, const MoeGptShape&,
                                 std::span<const std::uint8_t>, std::span<const std::uint8_t>,
                                 MoeGptCache<float>&);
template MoeGptLoss moe_gpt_loss(const MoeGptWeights<double>&, const MoeGptShape&,
                                 std::span<const std::uint8_t>, std::span<const std::uint8_t>,
                                 MoeGptCache<double>&);
template struct MoeGptBackward<float>;
template struct MoeGptBackward<double>;
template std::vector<RoutingBatch> route_bytes(const MoeGptWeights<float>&, const MoeGptShape&,
                                               std::span<const std::uint8_t>);
template std::vector<RoutingBatch> route_bytes(const MoeGptWeights<double>&, const MoeGptShape&,
                                               std::span<const std::uint8_t>);

}  // namespace moesim::model
