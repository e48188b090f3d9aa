// SPDX-License-Identifier: Apache-2.0
#include "model/layers/expert.h"

namespace moesim::model {
namespace {

// The block of one expert in a matrix that stacks those of all experts.
template <class M>
auto block_of(M& stacked, int expert, Index rows) {
  return stacked.middleRows(expert * rows, rows);
}

}  // namespace

template <class S>
void ExpertGradients<S>::resize(Index rows, Index hidden, Index intermediate) {
  d_output.resize(rows, hidden);
  d_input.resize(rows, hidden);
  weight.resize(rows, 1);
  d_weight.resize(rows, 1);
  for (Matrix<S>* scratch : {&d_activated, &d_gate, &d_up}) scratch->resize(rows, intermediate);
}

template <class S>
void expert_forward(const ExpertWeights<S>& weights, const ExpertRows& where, ExpertCache<S>& cache,
                    Matrix<S>& output) {
  if (where.rows == 0) return;
  const Index hidden = cache.input.cols();
  const Index intermediate = cache.gate.cols();
  const auto input = cache.input.middleRows(where.first_row, where.rows);
  auto gate = cache.gate.middleRows(where.first_row, where.rows);
  auto up = cache.up.middleRows(where.first_row, where.rows);
  auto activated = cache.activated.middleRows(where.first_row, where.rows);
  gate.noalias() = input * block_of(weights.gate, where.expert, hidden);
  up.noalias() = input * block_of(weights.up, where.expert, hidden);
  activated.array() = gate.array() / (S(1) + (-gate.array()).exp()) * up.array();
  output.topRows(where.rows).noalias() =
      activated * block_of(weights.down, where.expert, intermediate);
}

template <class S>
void expert_backward(const ExpertWeights<S>& weights, const ExpertRows& where,
                     const ExpertCache<S>& cache, ExpertGradients<S>& rows,
                     ExpertWeights<S>& gradient) {
  const Index hidden = cache.input.cols();
  const Index intermediate = cache.gate.cols();
  auto gradient_gate = block_of(gradient.gate, where.expert, hidden);
  auto gradient_up = block_of(gradient.up, where.expert, hidden);
  auto gradient_down = block_of(gradient.down, where.expert, intermediate);
  if (where.rows == 0) {
    gradient_gate.setZero();
    gradient_up.setZero();
    gradient_down.setZero();
    return;
  }
  const auto input = cache.input.middleRows(where.first_row, where.rows);
  const auto gate = cache.gate.middleRows(where.first_row, where.rows).array();
  const auto up = cache.up.middleRows(where.first_row, where.rows).array();
  const auto activated = cache.activated.middleRows(where.first_row, where.rows);
  auto d_output = rows.d_output.topRows(where.rows);
  const auto weight = rows.weight.topRows(where.rows);
  auto d_activated = rows.d_activated.topRows(where.rows);
  auto d_gate = rows.d_gate.topRows(where.rows);
  auto d_up = rows.d_up.topRows(where.rows);
  auto d_input = rows.d_input.topRows(where.rows);

  // The weight's gradient is <dy, y> = <dy Wd^T, activated>: the output y need not be kept.
  d_activated.noalias() = d_output * block_of(weights.down, where.expert, intermediate).transpose();
  rows.d_weight.topRows(where.rows) = d_activated.cwiseProduct(activated).rowwise().sum();
  for (Index i = 0; i < where.rows; ++i) {
    d_activated.row(i) *= weight(i, 0);
    d_output.row(i) *= weight(i, 0);
  }
  gradient_down.noalias() = activated.transpose() * d_output;

  // d_up holds the sigmoid until the gate's gradient is done: silu'(g) = s (1 + g (1 - s)).
  d_up.array() = (S(1) + (-gate).exp()).inverse();
  d_gate.array() = d_activated.array() * up * d_up.array() * (S(1) + gate * (S(1) - d_up.array()));
  d_up.array() *= d_activated.array() * gate;
  gradient_gate.noalias() = input.transpose() * d_gate;
  gradient_up.noalias() = input.transpose() * d_up;
  d_input.noalias() = d_gate * block_of(weights.gate, where.expert, hidden).transpose();
  d_input.noalias() += d_up * block_of(weights.up, where.expert, hidden).transpose();
}

template struct ExpertGradients<float>;
template struct ExpertGradients<double>;
template void expert_forward(const ExpertWeights<float>&, const ExpertRows&, ExpertCache<float>&,
                             Matrix<float>&);
template void expert_forward(const ExpertWeights<double>&, const ExpertRows&, ExpertCache<double>&,
                             Matrix<double>&);
template void expert_backward(const ExpertWeights<float>&, const ExpertRows&,
                              const ExpertCache<float>&, ExpertGradients<float>&,
                              ExpertWeights<float>&);
template void expert_backward(const ExpertWeights<double>&, const ExpertRows&,
                              const ExpertCache<double>&, ExpertGradients<double>&,
                              ExpertWeights<double>&);

}  // namespace moesim::model
