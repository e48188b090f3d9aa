// SPDX-License-Identifier: Apache-2.0
// How long one rank computes for each part of a step, forward and backward, from the model's sizes
// and the rows it really has. The backward pass of a GEMM is two GEMMs (data and weight gradient);
// other matrix work takes twice the forward FLOPs and bytes. Equations: docs/models.md, "Compute".
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/units.h"
#include "model/spec/model_spec.h"
#include "sim/cost/pass_times.h"
#include "sim/cost/table_cost.h"
#include "topologies/accelerator.h"

namespace moesim::sim {

// Costs of one model on one accelerator. `tokens` are the rank's own in one micro-batch, in
// sequences of `seq_length`. Times are the roofline's (roofline.h), or, for the parts that it
// knows, those of a cost table.
class LayerCost {
 public:
  LayerCost(const model::ModelSpec& spec, const topologies::Accelerator& accelerator,
            int seq_length, std::shared_ptr<const TableCost> table = nullptr);

  // Projections and causal scores: 4 * tokens * seq_length * heads * (qk_dim + v_dim) / 4 FLOPs for
  // the scores (half the square is masked), plus both norms and residuals as memory traffic.
  PassTimes attention(std::int64_t tokens) const;

  // Gate GEMM [tokens, experts], scores and selection, and the copy of `rows_sent` rows into the
  // send buffer.
  PassTimes router(std::int64_t tokens, std::int64_t rows_sent) const;

  // The experts of one rank over their real rows, gated (three matrices) or plain (two). A rank
  // without any rows launches nothing.
  PassTimes experts(std::span<const int> rows_per_expert) const;

  // The weighted sum of `rows_returned` rows into [tokens, hidden].
  PassTimes combine(std::int64_t tokens, std::int64_t rows_returned) const;

  PassTimes shared_expert(std::int64_t tokens) const;
  PassTimes dense_ffn(std::int64_t tokens) const;

  // Token embedding: a gather; its backward a scatter.
  PassTimes embedding(std::int64_t tokens) const;

  // Final norm, output projection to the vocabulary, cross-entropy.
  PassTimes head(std::int64_t tokens) const;

  // One Adam step over `parameters` held by the rank: 30 bytes moved per parameter (reads fp32
  // gradient, master weight and two moments; writes master, moments and the bf16 weight).
  base::Seconds optimizer(std::int64_t parameters) const;

 private:
  PassTimes linear(std::int64_t tokens, std::int64_t n, std::int64_t k) const;
  PassTimes moved(double bytes) const;
  PassTimes scores(double tokens) const;
  PassTimes ffn(std::span<const int> rows, std::int64_t intermediate, bool gated) const;

  model::ModelSpec spec_;
  topologies::Accelerator accelerator_;
  int seq_length_;
  std::shared_ptr<const TableCost> table_;  // may be null
};

// Model FLOPs of one token, forward and backward, without recomputation (the MFU convention):
// 6 per activated matrix parameter, plus 3 * 2 * seq_length / 2 * heads * (qk_dim + v_dim) per
// layer for causal attention scores. Embedding look-ups are no FLOPs.
base::Flops model_flops_per_token(const model::ModelSpec& spec, int seq_length);

}  // namespace moesim::sim
