// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_gpt.h"

#include <numeric>

#include "base/check.h"
#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {
namespace {

// One block of the model as a pass runs it.
class BlockPass {
 public:
  BlockPass(const DeviceGpt& gpt, std::size_t layer, std::span<const std::uint8_t> inputs,
            DeviceGptCache& room)
      : pass_(gpt.pass),
        weights_(gpt.weights.blocks[layer]),
        shape_(block_shape(gpt.config, static_cast<int>(layer))),
        context_{inputs, gpt.config.seq_length, static_cast<int>(layer)},
        cache_(room.blocks[layer]),
        room_(room),
        tokens_(static_cast<int>(inputs.size())),
        elements_(std::int64_t{tokens_} * gpt.config.hidden_size) {}

  bool is_moe() const { return shape_.is_moe; }

  // Adds the block's two parts to the stream.
  void forward() const {
    forward_attention();
    float* const branch = room_.branch.data();
    if (shape_.is_moe) {
      moe().forward(cache_.ffn_input.data(), tokens_, cache_.moe, room_.moe, branch);
    } else {
      dense().forward(cache_.ffn_input.data(), tokens_, cache_.dense, branch);
    }
    apply_dropout(pass_, residual_dropout("feed-forward"), elements_, branch);
    add_elements(pass_, branch, elements_, room_.stream.data());
  }

  // The gate's decision alone, of the last MoE layer.
  void forward_router() const {
    forward_attention();
    moe().router().forward(cache_.ffn_input.data(), tokens_, cache_.moe.router);
  }

  void fetch() const {
    if (shape_.is_moe) moe().router().fetch(cache_.moe.router);
  }

  // Turns the stream's gradient after the block into that before it.
  void backward(double loss_scale, RouterWeights<float>& router_gradient) const {
    float* const dx = room_.stream.data();
    float* const branch = room_.branch.data();
    const float* const d_ffn = through_dropout("feed-forward", dx);
    if (shape_.is_moe) {
      moe().backward(cache_.ffn_input.data(), cache_.moe,
                     {d_ffn, branch, &router_gradient, loss_scale}, room_.moe);
    } else {
      dense().backward(cache_.ffn_input.data(), d_ffn, cache_.dense, branch, false);
    }
    DeviceNorm{weights_.ffn_norm, pass_}.backward(cache_.ffn_norm, branch, dx, room_.pieces);
    attention().backward(cache_.attention_input.data(), cache_.attention,
                         through_dropout("attention", dx), room_.attention, branch);
    DeviceNorm{weights_.attention_norm, pass_}.backward(cache_.attention_norm, branch, dx,
                                                        room_.pieces);
  }

 private:
  DeviceMoeLayer moe() const { return {weights_.moe, shape_.moe, context_, pass_}; }
  DeviceFeedForward dense() const { return {weights_.dense, shape_.dense, pass_}; }
  DeviceAttention attention() const { return {weights_.attention, shape_.attention, pass_}; }

  DropoutRule residual_dropout(const std::string& after) const {
    return dropout_rule(pass_, shape_.name + " residual after " + after, shape_.residual_dropout);
  }

  void forward_attention() const {
    const auto size = static_cast<std::size_t>(elements_);
    float* const stream = room_.stream.data();
    float* const branch = room_.branch.reserve(pass_.device, size);
    float* const input = cache_.attention_input.reserve(pass_.device, size);
    DeviceNorm{weights_.attention_norm, pass_}.forward(stream, tokens_, cache_.attention_norm,
                                                       input);
    attention().forward(input, tokens_, cache_.attention, branch);
    apply_dropout(pass_, residual_dropout("attention"), elements_, branch);
    add_elements(pass_, branch, elements_, stream);
    DeviceNorm{weights_.ffn_norm, pass_}.forward(stream, tokens_, cache_.ffn_norm,
                                                 cache_.ffn_input.reserve(pass_.device, size));
  }

  // The gradient of what the dropout was applied to: `dx` itself where there is none.
  const float* through_dropout(const std::string& after, const float* dx) const {
    const DropoutRule dropout = residual_dropout(after);
    if (!dropout.is_active) return dx;
    const auto size = static_cast<std::size_t>(elements_);
    float* const scratch = room_.dropped.reserve(pass_.device, size);
    pass_.device.copy(dx, scratch, size * sizeof(float));
    apply_dropout(pass_, dropout, elements_, scratch);
    return scratch;
  }

  const DevicePass& pass_;
  const BlockWeights<float>& weights_;
  const BlockShape shape_;
  const TokenContext context_;
  DeviceBlockCache& cache_;
  DeviceGptCache& room_;
  int tokens_;
  std::int64_t elements_;
};

void embed_inputs(const DeviceGpt& gpt, std::span<const std::uint8_t> inputs,
                  DeviceGptCache& cache) {
  CHECK(!inputs.empty(), "a pass has at least one token");
  Device& device = gpt.pass.device;
  const EmbeddingWeights<float>& weights = gpt.weights.embedding;
  const auto tokens = static_cast<std::int64_t>(inputs.size());
  const Index hidden = weights.token.cols();
  EmbedBytes kernel;
  kernel.bytes = cache.inputs.upload(device, inputs.data(), inputs.size());
  kernel.token = gpt.pass.parameters.value(weights.token);
  kernel.position = gpt.pass.parameters.value(weights.position);
  kernel.rows = cache.stream.reserve(device, static_cast<std::size_t>(tokens * hidden));
  kernel.tokens = tokens;
  kernel.width = hidden;
  kernel.seq_length = weights.position.rows();
  launch(device, kernel, blocks_for_elements(tokens * hidden));
  apply_dropout(gpt.pass, dropout_rule(gpt.pass, "embedding", gpt.config.embedding_dropout),
                tokens * hidden, kernel.rows);
  cache.blocks.resize(gpt.weights.blocks.size());
  cache.router_gradients.resize(gpt.weights.blocks.size());
}

void embed_inputs_backward(const DeviceGpt& gpt, DeviceGptCache& cache) {
  Device& device = gpt.pass.device;
  const EmbeddingWeights<float>& weights = gpt.weights.embedding;
  const auto tokens = static_cast<std::int64_t>(cache.inputs.size());
  const Index hidden = weights.token.cols();
  const Index length = weights.position.rows();
  float* const dx = cache.stream.data();
  apply_dropout(gpt.pass, dropout_rule(gpt.pass, "embedding", gpt.config.embedding_dropout),
                tokens * hidden, dx);
  const bool add = gpt.pass.host.add_gradients;
  // A tied head's gradient is there already.
  const bool tied = gpt.weights.head.size() == 0;
  launch(device,
         EmbedBytesBackward{cache.inputs.data(), dx, gpt.pass.parameters.gradient(weights.token),
                            tokens, hidden, add || tied},
         kByteValues);
  launch(device,
         PositionsBackward{dx, gpt.pass.parameters.gradient(weights.position), tokens, hidden,
                           length, add},
         blocks_for_elements(length * hidden));
}

// Mean cross entropy in nats.
double head_loss(const DeviceGpt& gpt, std::span<const std::uint8_t> targets,
                 DeviceGptCache& cache) {
  Device& device = gpt.pass.device;
  const Matrix<float>& head = head_of(gpt.weights);
  const auto tokens = static_cast<std::int64_t>(targets.size());
  const Index hidden = head.cols();
  const auto rows = static_cast<std::size_t>(tokens);
  float* const input = cache.head_input.reserve(device, rows * static_cast<std::size_t>(hidden));
  DeviceNorm{gpt.weights.final_norm, gpt.pass}.forward(cache.stream.data(), tokens,
                                                       cache.final_norm, input);
  float* const logits = cache.probabilities.reserve(device, rows * kByteValues);
  multiply(gpt.pass, {tokens, kByteValues, hidden, input, hidden, 1,
                      gpt.pass.parameters.value(head), 1, hidden, logits, kByteValues});
  CrossEntropyRows kernel;
  kernel.logits = logits;
  kernel.targets = cache.targets.upload(device, targets.data(), targets.size());
  kernel.losses = cache.losses.reserve(device, rows);
  kernel.rows = tokens;
  kernel.values = kByteValues;
  launch(device, kernel, blocks_for_rows(tokens));
  const std::vector<double> losses = cache.losses.download();
  return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(tokens);
}

// Leaves the stream's gradient in cache.stream.
void head_backward(const DeviceGpt& gpt, double loss_scale, DeviceGptCache& cache) {
  Device& device = gpt.pass.device;
  const Matrix<float>& head = head_of(gpt.weights);
  const auto tokens = static_cast<std::int64_t>(cache.targets.size());
  const Index hidden = head.cols();
  float* const d_logits = cache.probabilities.data();
  launch(device,
         CrossEntropyBackwardRows{d_logits, cache.targets.data(), tokens, kByteValues,
                                  static_cast<float>(loss_scale / static_cast<double>(tokens))},
         blocks_for_elements(tokens * kByteValues));
  DeviceProduct by_head{kByteValues,
                        hidden,
                        tokens,
                        d_logits,
                        1,
                        kByteValues,
                        cache.head_input.data(),
                        hidden,
                        1,
                        gpt.pass.parameters.gradient(head),
                        hidden};
  by_head.accumulate = gpt.pass.host.add_gradients;
  multiply(gpt.pass, by_head);
  float* const d_normalised = cache.branch.reserve(device, cache.head_input.size());
  multiply(gpt.pass, {tokens, hidden, kByteValues, d_logits, kByteValues, 1,
                      gpt.pass.parameters.value(head), hidden, 1, d_normalised, hidden});
  cache.stream.fill_zero();
  DeviceNorm{gpt.weights.final_norm, gpt.pass}.backward(cache.final_norm, d_normalised,
                                                        cache.stream.data(), cache.pieces);
}

}  // namespace

MoeGptLoss DeviceGpt::forward(const TokenBatch& batch, DeviceGptCache& cache) const {
  CHECK(batch.targets.size() == batch.inputs.size(), "every token has its next byte");
  embed_inputs(*this, batch.inputs, cache);
  const std::size_t layers = weights.blocks.size();
  for (std::size_t i = 0; i < layers; ++i) BlockPass(*this, i, batch.inputs, cache).forward();
  MoeGptLoss loss;
  loss.cross_entropy = head_loss(*this, batch.targets, cache);
  for (std::size_t i = 0; i < layers; ++i) {
    const BlockPass block(*this, i, batch.inputs, cache);
    block.fetch();
    if (block.is_moe()) loss.balance += cache.blocks[i].moe.router.host.loss;
  }
  return loss;
}

std::vector<RoutingBatch> DeviceGpt::route(std::span<const std::uint8_t> inputs,
                                           DeviceGptCache& cache) const {
  MoeGptConfig quiet = config;
  quiet.router.balance = {.aux_loss_coef = 0,
                          .bias_update_rate = config.router.balance.bias_update_rate};
  const DeviceGpt gpt{weights, quiet, pass};
  std::size_t last = weights.blocks.size();
  while (last > 0 && !config.is_moe_layer(static_cast<int>(last) - 1)) --last;
  embed_inputs(gpt, inputs, cache);
  std::vector<RoutingBatch> batches;
  for (std::size_t i = 0; i < last; ++i) {
    const BlockPass block(gpt, i, inputs, cache);
    i + 1 < last ? block.forward() : block.forward_router();
  }
  for (std::size_t i = 0; i < last; ++i) {
    const BlockPass block(gpt, i, inputs, cache);
    block.fetch();
    if (block.is_moe()) batches.push_back(cache.blocks[i].moe.router.host.batch);
  }
  return batches;
}

void DeviceGpt::backward(const TokenBatch& batch, double loss_scale, DeviceGptCache& cache) const {
  head_backward(*this, loss_scale, cache);
  for (std::size_t i = weights.blocks.size(); i-- > 0;) {
    BlockPass(*this, i, batch.inputs, cache).backward(loss_scale, cache.router_gradients[i]);
  }
  embed_inputs_backward(*this, cache);
}

}  // namespace moesim::model::cuda
