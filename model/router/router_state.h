// SPDX-License-Identifier: Apache-2.0
// The values that the parts of a router hand to each other: weights, what a pass sees, what it
// leaves for the backward pass, and the slopes on the way back.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "model/matrix.h"
#include "model/pass.h"
#include "model/router/router_config.h"
#include "model/router/routing_batch.h"

namespace moesim::model {

// All [out, in], as PyTorch and checkpoint files have them. Matrices that the configuration does
// not use are empty.
template <class S>
struct RouterWeights {
  Matrix<S> gate;        // [num_experts, hidden]; empty for hash and random
  Matrix<S> noise;       // [num_experts, hidden]; noisy_top_k with a learned scale
  Matrix<S> group_gate;  // [n_group, hidden]; two_level
  Matrix<S>
      selection_bias;  // [1, num_experts]; selects and does not weigh; not trained by gradient
};

// What a router sees besides the rows.
struct TokenContext {
  std::span<const std::uint8_t> bytes;  // [tokens], the token's own byte; hash routing reads it
  int seq_length = 1;                   // tokens of one sequence; the last may be shorter
  int layer = 0;                        // names the layer's draws
};

// One loss of one layer in one pass.
struct BalanceTerm {
  std::string name;  // the coefficient's key without "_coef": "aux_loss", "z_loss", ...
  double value = 0;  // coefficient included
};

template <class S>
struct RouterCache {
  // The decision after capacity. Its weights are those below, rounded; a dropped pair keeps the
  // weight that it would have had.
  RoutingBatch batch;
  Matrix<S> weights;  // [tokens, batch.top_k]; 0 where dropped or empty
  Matrix<S> scores;   // [tokens, num_experts]; hash and random: the weights of the chosen, else 0
  Matrix<S> logits;   // [tokens, num_experts], before noise; empty for hash and random
  std::vector<std::int64_t> load;   // [num_experts] pairs that chose each expert, before capacity
  std::vector<BalanceTerm> losses;  // those with a coefficient, in the table's order
  double loss = 0;                  // their sum, coefficients included

  // What only the backward pass reads.
  Matrix<S> input;  // [tokens, hidden], with jitter; empty where there is none
  // [tokens, num_experts], what the scores are of: logits with noise, or two_level's log p; empty
  // where it is the logits.
  Matrix<S> adjusted_logits;
  Matrix<S> noise_scale;   // [tokens, num_experts], softplus of the noise gate; learned scale only
  Matrix<S> group_logits;  // [tokens, n_group]; two_level
  Matrix<S> weights_before_drop;     // [tokens, batch.top_k], not yet scaled
  std::vector<std::int32_t> chosen;  // [tokens, batch.top_k] before overflow sent pairs elsewhere;
                                     // empty where none could go
  const Matrix<S>& scored_logits() const {
    return adjusted_logits.size() == 0 ? logits : adjusted_logits;
  }
  // The experts that the tokens chose, full or not.
  const std::vector<std::int32_t>& choices() const {
    return chosen.empty() ? batch.experts : chosen;
  }
};

// What one call of a router is about.
template <class S>
struct RouterRun {
  const RouterWeights<S>& weights;
  const RouterConfig& config;
  const TokenContext& context;
  const Pass<S>& pass;
};

// Slopes of the total loss, gathered from the routing weights and the balancing losses; an empty
// matrix is zero.
template <class S>
struct RouterSlopes {
  Matrix<S> weights;          // [tokens, batch.top_k], of weights_before_drop
  Matrix<S> scores;           // [tokens, num_experts], of the scores
  Matrix<S> shares;           // [sequences, num_experts], of every token's shares in a sequence
  Matrix<S> adjusted_logits;  // [tokens, num_experts], of scored_logits()
  Matrix<S> logits;           // [tokens, num_experts], of the logits directly
  Matrix<S> group_logits;     // [tokens, n_group]
  Matrix<S> noise_scale;      // [tokens, num_experts]
};

// `matrix`, made zeros of the given shape where it is empty.
template <class S>
Matrix<S>& zero_unless_there(Matrix<S>& matrix, Index rows, Index cols) {
  if (matrix.size() == 0) matrix.setZero(rows, cols);
  return matrix;
}

// Sequences of a call, the last shorter one included.
inline Index count_sequences(Index tokens, int seq_length) {
  return (tokens + seq_length - 1) / seq_length;
}

// The sum of of_row(t) over t in [0, rows), in an order that no number of threads changes.
template <class S, class OfRow>
double sum_over_rows(const Pass<S>& pass, Index rows, const OfRow& of_row) {
  std::vector<double> sums((rows + kRowsPerPiece - 1) / kRowsPerPiece);
  for_row_pieces(pass, rows, [&](Index first, Index end) {
    for (Index t = first; t < end; ++t) sums[first / kRowsPerPiece] += of_row(t);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

// The name of a layer's draws of one kind: "layer 3 gate noise".
inline std::string draws_of(const TokenContext& context, const std::string& kind) {
  return "layer " + std::to_string(context.layer) + " " + kind;
}

}  // namespace moesim::model
