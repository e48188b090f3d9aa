// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_gpt_weights.h"

#include <cmath>
#include <utility>

namespace moesim::model {
namespace {

template <class S>
void fill_uniform(double variance, base::Rng& rng, Eigen::Ref<Matrix<S>> matrix) {
  const double reach = std::sqrt(3 * variance);  // uniform in [-r, r) has variance r^2 / 3
  for (Index i = 0; i < matrix.rows(); ++i) {
    for (Index j = 0; j < matrix.cols(); ++j) {
      matrix(i, j) = static_cast<S>(reach * (2 * rng.uniform() - 1));
    }
  }
}

template <class S>
Matrix<S> uniform_matrix(Index rows, Index cols, double variance, base::Rng& rng) {
  Matrix<S> matrix(rows, cols);
  fill_uniform<S>(variance, rng, matrix);
  return matrix;
}

template <class S>
LayerNormWeights<S> identity_norm(Index hidden) {
  return {Matrix<S>::Ones(1, hidden), Matrix<S>::Zero(1, hidden)};
}

// GPT-2's rule: what ends in the residual stream is smaller, the more is added to the stream.
double residual_scale(const MoeGptConfig& config) { return 0.5 / config.num_hidden_layers; }

template <class S>
AttentionWeights<S> random_attention(const MoeGptConfig& config, const AttentionShape& shape,
                                     base::Rng& rng) {
  const Index hidden = config.hidden_size;
  const Index width = shape.query_width() + 2 * shape.key_value_width();
  AttentionWeights<S> weights;
  weights.query_key_value.weight = uniform_matrix<S>(width, hidden, 1.0 / config.hidden_size, rng);
  weights.output.weight =
      uniform_matrix<S>(hidden, shape.query_width(),
                        residual_scale(config) / static_cast<double>(shape.query_width()), rng);
  if (config.attention_bias) {
    weights.query_key_value.bias = Matrix<S>::Zero(1, width);
    weights.output.bias = Matrix<S>::Zero(1, hidden);
  }
  return weights;
}

}  // namespace

template <class S>
ExpertWeights<S> random_experts(const MoeGptConfig& config, const ExpertShape& shape,
                                base::Rng& rng) {
  const Index units = shape.first.back();
  const double from_hidden = 1.0 / static_cast<double>(shape.hidden);
  ExpertWeights<S> weights;
  if (shape.gated) weights.gate = uniform_matrix<S>(units, shape.hidden, from_hidden, rng);
  weights.up = uniform_matrix<S>(units, shape.hidden, from_hidden, rng);
  weights.down.resize(units, shape.hidden);
  for (int e = 0; e < shape.count(); ++e) {
    const double variance = residual_scale(config) / static_cast<double>(shape.units(e));
    fill_uniform<S>(variance, rng, weights.down.middleRows(shape.first[e], shape.units(e)));
  }
  if (shape.bias) {
    if (shape.gated) weights.gate_bias = Matrix<S>::Zero(1, units);
    weights.up_bias = Matrix<S>::Zero(1, units);
    weights.down_bias = Matrix<S>::Zero(shape.count(), shape.hidden);
  }
  return weights;
}

namespace {

template <class S>
BlockWeights<S> random_block(const MoeGptConfig& config, int layer, base::Rng& rng) {
  const BlockShape shape = block_shape(config, layer);
  BlockWeights<S> block;
  block.attention_norm = identity_norm<S>(config.hidden_size);
  block.attention = random_attention<S>(config, shape.attention, rng);
  block.ffn_norm = identity_norm<S>(config.hidden_size);
  if (!shape.is_moe) {
    block.dense = random_experts<S>(config, shape.dense, rng);
    return block;
  }
  block.moe.router = random_router<S>(config.router, config.hidden_size, rng);
  block.moe.experts = random_experts<S>(config, shape.moe.experts, rng);
  if (shape.moe.shared.count() > 0) {
    block.moe.shared = random_experts<S>(config, shape.moe.shared, rng);
  }
  return block;
}

// Collects the parameters that are there, with what they have in common.
template <class S>
class ParameterList {
 public:
  void add(const std::string& name, ParameterGroup group, bool decay, Matrix<S>& matrix) {
    if (matrix.size() == 0) return;
    Parameter<S> parameter;
    parameter.name = prefix_ + name;
    parameter.group = group;
    parameter.decay = decay;
    parameter.layer = layer_;
    parameter.matrix = &matrix;
    list_.push_back(std::move(parameter));
  }

  void add_norm(const std::string& name, LayerNormWeights<S>& norm) {
    add(name + ".gain", ParameterGroup::norm, false, norm.gain);
    add(name + ".bias", ParameterGroup::norm, false, norm.bias);
  }

  void add_linear(const std::string& name, ParameterGroup group, LinearWeights<S>& linear) {
    add(name + ".weight", group, true, linear.weight);
    add(name + ".bias", group, false, linear.bias);
  }

  void add_experts(const std::string& name, ParameterGroup group, ExpertWeights<S>& experts) {
    const std::size_t first = list_.size();
    add(name + ".gate", group, true, experts.gate);
    add(name + ".up", group, true, experts.up);
    add(name + ".down", group, true, experts.down);
    add(name + ".gate_bias", group, false, experts.gate_bias);
    add(name + ".up_bias", group, false, experts.up_bias);
    add(name + ".down_bias", group, false, experts.down_bias);
    for (std::size_t i = first; i < list_.size(); ++i) {
      list_[i].per_expert = group == ParameterGroup::expert;
    }
  }

  void add_router(const std::string& name, RouterWeights<S>& router) {
    add(name + ".gate", ParameterGroup::router, true, router.gate);
    add(name + ".noise", ParameterGroup::router, true, router.noise);
    add(name + ".group_gate", ParameterGroup::router, true, router.group_gate);
    if (router.selection_bias.size() == 0) return;
    add(name + ".selection_bias", ParameterGroup::router, false, router.selection_bias);
    list_.back().trained = false;
  }

  void add_block(int layer, BlockWeights<S>& block) {
    prefix_ = "blocks." + std::to_string(layer) + ".";
    layer_ = layer;
    add_norm("attention_norm", block.attention_norm);
    add_linear("attention.query_key_value", ParameterGroup::attention,
               block.attention.query_key_value);
    add_linear("attention.output", ParameterGroup::attention, block.attention.output);
    add_norm("ffn_norm", block.ffn_norm);
    add_router("moe.router", block.moe.router);
    add_experts("moe.experts", ParameterGroup::expert, block.moe.experts);
    add_experts("moe.shared", ParameterGroup::feed_forward, block.moe.shared);
    add_experts("dense", ParameterGroup::feed_forward, block.dense);
    prefix_.clear();
    layer_ = -1;
  }

  std::vector<Parameter<S>> take() { return std::move(list_); }

 private:
  std::string prefix_;
  int layer_ = -1;
  std::vector<Parameter<S>> list_;
};

}  // namespace

template <class S>
std::vector<Parameter<S>> parameters(MoeGptWeights<S>& weights) {
  ParameterList<S> list;
  list.add("embedding.token", ParameterGroup::embedding, true, weights.embedding.token);
  list.add("embedding.position", ParameterGroup::embedding, true, weights.embedding.position);
  for (std::size_t layer = 0; layer < weights.blocks.size(); ++layer) {
    list.add_block(static_cast<int>(layer), weights.blocks[layer]);
  }
  list.add_norm("final_norm", weights.final_norm);
  list.add("head", ParameterGroup::head, true, weights.head);
  return list.take();
}

template <class S>
MoeGptWeights<S> random_moe_gpt(const MoeGptConfig& config, base::Rng& rng) {
  const Index hidden = config.hidden_size;
  const double from_hidden = 1.0 / config.hidden_size;
  MoeGptWeights<S> weights;
  weights.embedding.token = uniform_matrix<S>(kByteValues, hidden, from_hidden, rng);
  weights.embedding.position = uniform_matrix<S>(config.seq_length, hidden, from_hidden, rng);
  for (int layer = 0; layer < config.num_hidden_layers; ++layer) {
    weights.blocks.push_back(random_block<S>(config, layer, rng));
  }
  weights.final_norm = identity_norm<S>(hidden);
  if (!config.tie_word_embeddings) {
    weights.head = uniform_matrix<S>(kByteValues, hidden, from_hidden, rng);
  }
  return weights;
}

template <class S>
MoeGptWeights<S> zero_gradient(const MoeGptWeights<S>& weights) {
  MoeGptWeights<S> gradient = weights;
  for (const Parameter<S>& parameter : parameters(gradient)) parameter.matrix->setZero();
  return gradient;
}

template ExpertWeights<float> random_experts(const MoeGptConfig&, const ExpertShape&, base::Rng&);
template ExpertWeights<double> random_experts(const MoeGptConfig&, const ExpertShape&, base::Rng&);
template std::vector<Parameter<float>> parameters(MoeGptWeights<float>&);
template std::vector<Parameter<double>> parameters(MoeGptWeights<double>&);
template MoeGptWeights<float> random_moe_gpt(const MoeGptConfig&, base::Rng&);
template MoeGptWeights<double> random_moe_gpt(const MoeGptConfig&, base::Rng&);
template MoeGptWeights<float> zero_gradient(const MoeGptWeights<float>&);
template MoeGptWeights<double> zero_gradient(const MoeGptWeights<double>&);

}  // namespace moesim::model
