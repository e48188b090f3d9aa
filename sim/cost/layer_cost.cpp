// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/layer_cost.h"

#include "model/spec/parameter_count.h"
#include "sim/cost/roofline.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Flops;
using base::Seconds;

constexpr double kActivationBytes = 2;  // bf16
constexpr double kScoreBytes = 4;       // router scores are fp32

// Per-head widths of scores (q, k) and of values.
struct HeadDims {
  double query_key;
  double value;
};

HeadDims head_dims(const model::ModelSpec& spec) {
  if (spec.attention == model::AttentionKind::gqa) {
    return {static_cast<double>(spec.head_dim), static_cast<double>(spec.head_dim)};
  }
  const model::LatentAttention& latent = spec.latent_attention;
  return {static_cast<double>(latent.qk_nope_head_dim + latent.qk_rope_head_dim),
          static_cast<double>(latent.v_head_dim)};
}

// Causal scores and weighted values of one token, forward: on average seq_length / 2 keys are seen.
double score_flops_per_token(const model::ModelSpec& spec, int seq_length) {
  const HeadDims dims = head_dims(spec);
  return 2.0 * (seq_length / 2.0) * spec.num_attention_heads * (dims.query_key + dims.value);
}

}  // namespace

LayerCost::LayerCost(const model::ModelSpec& spec, const topologies::Accelerator& accelerator,
                     int seq_length, std::shared_ptr<const TableCost> table)
    : spec_(spec), accelerator_(accelerator), seq_length_(seq_length), table_(std::move(table)) {}

PassTimes LayerCost::linear(std::int64_t tokens, std::int64_t n, std::int64_t k) const {
  if (tokens == 0 || n == 0 || k == 0) return {};
  const int rows = static_cast<int>(tokens);
  if (table_ != nullptr) {
    if (const auto known = table_->linear(rows, n, k)) return *known;
  }
  const std::span<const int> all(&rows, 1);
  return {time_grouped_gemm(accelerator_, all, n, k),
          time_grouped_gemm(accelerator_, all, k, n) +
              time_grouped_weight_gradient(accelerator_, all, n, k)};
}

PassTimes LayerCost::moved(double bytes) const {
  return {time_memory_bound(accelerator_, Bytes(bytes)),
          time_memory_bound(accelerator_, Bytes(2.0 * bytes))};
}

PassTimes LayerCost::attention(std::int64_t tokens) const {
  if (tokens == 0) return {};
  const double hidden = spec_.hidden_size;
  const std::int64_t heads = spec_.num_attention_heads;
  PassTimes projections;
  if (spec_.attention == model::AttentionKind::gqa) {
    const std::int64_t query = heads * spec_.head_dim;
    const std::int64_t key_value = 2LL * spec_.num_key_value_heads * spec_.head_dim;
    projections = linear(tokens, query + key_value, spec_.hidden_size) +
                  linear(tokens, spec_.hidden_size, query);
  } else {
    const model::LatentAttention& latent = spec_.latent_attention;
    const std::int64_t query = heads * (latent.qk_nope_head_dim + latent.qk_rope_head_dim);
    const std::int64_t query_input =
        latent.q_lora_rank > 0 ? latent.q_lora_rank : spec_.hidden_size;
    projections =
        linear(tokens, latent.q_lora_rank, spec_.hidden_size) + linear(tokens, query, query_input) +
        linear(tokens, latent.kv_lora_rank + latent.qk_rope_head_dim, spec_.hidden_size) +
        linear(tokens, heads * (latent.qk_nope_head_dim + latent.v_head_dim), latent.kv_lora_rank) +
        linear(tokens, spec_.hidden_size, heads * latent.v_head_dim);
  }
  const double count = static_cast<double>(tokens);
  // Two norms and two residual additions: each reads and writes the hidden state about twice.
  return projections + scores(count) + moved(8.0 * kActivationBytes * count * hidden);
}

PassTimes LayerCost::scores(double tokens) const {
  const HeadDims dims = head_dims(spec_);
  const double heads = spec_.num_attention_heads;
  if (table_ != nullptr) {
    const double width = heads * (dims.query_key + dims.value) / 2.0;
    if (const auto known = table_->attention(tokens, width, seq_length_)) return *known;
  }
  const Flops flops(score_flops_per_token(spec_, seq_length_) * tokens);
  const Bytes streamed(kActivationBytes * tokens * heads * 2.0 * (dims.query_key + dims.value));
  return {time_fused(accelerator_, flops, streamed),
          time_fused(accelerator_, 2.0 * flops, 2.0 * streamed)};
}

PassTimes LayerCost::router(std::int64_t tokens, std::int64_t rows_sent) const {
  if (tokens == 0) return {};
  const double scores = kScoreBytes * static_cast<double>(tokens) * spec_.num_experts;
  const double copied = 2.0 * kActivationBytes * static_cast<double>(rows_sent) * spec_.hidden_size;
  PassTimes copies = moved(copied);
  if (table_ != nullptr && rows_sent > 0) {
    copies = table_
                 ->permute(static_cast<double>(tokens), static_cast<double>(rows_sent),
                           spec_.hidden_size)
                 .value_or(copies);
  }
  return linear(tokens, spec_.num_experts, spec_.hidden_size) + moved(2.0 * scores) + copies;
}

PassTimes LayerCost::ffn(std::span<const int> rows, std::int64_t intermediate, bool gated) const {
  double total_rows = 0;
  for (const int expert_rows : rows) total_rows += expert_rows;
  if (total_rows == 0 || intermediate == 0) return {};
  const std::int64_t hidden = spec_.hidden_size;
  const std::int64_t first = (gated ? 2 : 1) * intermediate;
  // The activation reads the first GEMM's output and writes the second's input.
  const double activation =
      kActivationBytes * total_rows * static_cast<double>(first + intermediate);
  const topologies::Accelerator& a = accelerator_;
  const PassTimes gemms = {
      time_grouped_gemm(a, rows, first, hidden) + time_grouped_gemm(a, rows, hidden, intermediate),
      time_grouped_gemm(a, rows, hidden, first) + time_grouped_gemm(a, rows, intermediate, hidden) +
          time_grouped_weight_gradient(a, rows, first, hidden) +
          time_grouped_weight_gradient(a, rows, hidden, intermediate)};
  return gemms + moved(activation);
}

PassTimes LayerCost::experts(std::span<const int> rows_per_expert) const {
  if (table_ != nullptr) {
    const ExpertShape shape = {spec_.hidden_size, spec_.moe_intermediate_size, spec_.gated_experts,
                               spec_.num_experts_per_tok};
    if (const auto known = table_->experts(rows_per_expert, shape)) return *known;
  }
  return ffn(rows_per_expert, spec_.moe_intermediate_size, spec_.gated_experts);
}

PassTimes LayerCost::combine(std::int64_t tokens, std::int64_t rows_returned) const {
  if (tokens == 0) return {};
  if (table_ != nullptr) {
    const auto known = table_->combine(static_cast<double>(tokens),
                                       static_cast<double>(rows_returned), spec_.hidden_size);
    if (known) return *known;
  }
  return moved(kActivationBytes * static_cast<double>(tokens + rows_returned) * spec_.hidden_size);
}

PassTimes LayerCost::shared_expert(std::int64_t tokens) const {
  const int rows = static_cast<int>(tokens);
  return ffn(std::span(&rows, 1), spec_.shared_expert_intermediate_size, spec_.gated_experts);
}

PassTimes LayerCost::dense_ffn(std::int64_t tokens) const {
  const int rows = static_cast<int>(tokens);
  return ffn(std::span(&rows, 1), spec_.intermediate_size, spec_.dense_ffn_matrices == 3);
}

PassTimes LayerCost::embedding(std::int64_t tokens) const {
  return moved(2.0 * kActivationBytes * static_cast<double>(tokens) * spec_.hidden_size);
}

PassTimes LayerCost::head(std::int64_t tokens) const {
  if (tokens == 0) return {};
  const double count = static_cast<double>(tokens);
  const double norm = 2.0 * kActivationBytes * count * spec_.hidden_size;
  const double logits = 2.0 * kScoreBytes * count * spec_.vocab_size;
  return linear(tokens, spec_.vocab_size, spec_.hidden_size) + moved(norm + logits);
}

Seconds LayerCost::optimizer(std::int64_t parameters) const {
  return time_memory_bound(accelerator_, Bytes(30.0 * static_cast<double>(parameters)));
}

Flops model_flops_per_token(const model::ModelSpec& spec, int seq_length) {
  const model::ParameterCount count = model::count_parameters(spec);
  const std::int64_t head = static_cast<std::int64_t>(spec.vocab_size) *
                            spec.hidden_size;  // tied or not, it is multiplied
  const double matrices = static_cast<double>(count.active(spec) - count.embedding + head);
  const double scores = 3.0 * score_flops_per_token(spec, seq_length) * spec.num_hidden_layers;
  return Flops(6.0 * matrices + scores);
}

}  // namespace moesim::sim
