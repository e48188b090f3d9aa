// SPDX-License-Identifier: Apache-2.0
#include "model/router/balance_loss.h"

#include <algorithm>
#include <array>

#include "model/router/cv_losses.h"
#include "model/router/scores.h"
#include "model/router/share_losses.h"
#include "model/router/z_loss.h"

namespace moesim::model {
namespace {

template <class S>
struct Loss {
  const char* name;
  double BalanceConfig::*coefficient;
  bool reads_shares;
  double (*value)(const LossInputs<S>&);  // without its coefficient
  void (*add_slope)(const LossInputs<S>&, double scale, RouterSlopes<S>&);
};

template <class S>
constexpr std::array kLosses{
    Loss<S>{"aux_loss", &BalanceConfig::aux_loss_coef, true, aux_loss<S>, add_aux_slope<S>},
    Loss<S>{"seq_aux_loss", &BalanceConfig::seq_aux_loss_coef, true, seq_aux_loss<S>,
            add_seq_aux_slope<S>},
    Loss<S>{"importance_loss", &BalanceConfig::importance_loss_coef, false, importance_loss<S>,
            add_importance_slope<S>},
    Loss<S>{"load_loss", &BalanceConfig::load_loss_coef, false, load_loss<S>, add_load_slope<S>},
    Loss<S>{"variance_loss", &BalanceConfig::variance_loss_coef, true, variance_loss<S>,
            add_variance_slope<S>},
    Loss<S>{"z_loss", &BalanceConfig::z_loss_coef, false, z_loss<S>, add_z_slope<S>},
};

// The rows with a coefficient.
template <class S>
std::vector<Loss<S>> losses_of(const RouterConfig& config) {
  std::vector<Loss<S>> used;
  if (!has_gate(config)) return used;
  std::copy_if(kLosses<S>.begin(), kLosses<S>.end(), std::back_inserter(used),
               [&](const Loss<S>& loss) { return config.balance.*loss.coefficient > 0; });
  return used;
}

template <class S>
Matrix<double> sum_shares(const RouterRun<S>& run, const RouterCache<S>& cache) {
  const Index tokens = cache.scores.rows();
  const Index n = cache.scores.cols();
  const Index length = run.context.seq_length;
  const bool is_softmax = run.config.score_function == ScoreFunction::softmax;
  const Index sequences = count_sequences(tokens, run.context.seq_length);
  Matrix<double> sums = Matrix<double>::Zero(sequences, n);
  run.pass.threads.run(static_cast<int>(sequences), [&](int sequence) {
    double* const of_sequence = sums.data() + sequence * n;
    for (Index t = sequence * length; t < std::min(tokens, (sequence + 1) * length); ++t) {
      const S* const scores = cache.scores.data() + t * n;
      const S scale = is_softmax ? S(1) : inverse_sum(scores, n);
      for (Index e = 0; e < n; ++e) of_sequence[e] += static_cast<double>(scores[e] * scale);
    }
  });
  return sums;
}

}  // namespace

template <class S>
LossInputs<S> balance_inputs(const RouterRun<S>& run, const RouterCache<S>& cache) {
  const std::vector<Loss<S>> losses = losses_of<S>(run.config);
  const bool reads_shares = std::any_of(losses.begin(), losses.end(),
                                        [](const Loss<S>& loss) { return loss.reads_shares; });
  return {run, cache, reads_shares ? sum_shares(run, cache) : Matrix<double>()};
}

template <class S>
std::vector<BalanceTerm> balance_losses(const LossInputs<S>& inputs) {
  const RouterConfig& config = inputs.run.config;
  std::vector<BalanceTerm> terms;
  for (const Loss<S>& loss : losses_of<S>(config)) {
    terms.push_back({loss.name, config.balance.*loss.coefficient * loss.value(inputs)});
  }
  return terms;
}

template <class S>
void add_balance_slopes(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes) {
  const RouterConfig& config = inputs.run.config;
  for (const Loss<S>& loss : losses_of<S>(config)) {
    loss.add_slope(inputs, scale * (config.balance.*loss.coefficient), slopes);
  }
}

template LossInputs<float> balance_inputs(const RouterRun<float>&, const RouterCache<float>&);
template LossInputs<double> balance_inputs(const RouterRun<double>&, const RouterCache<double>&);
template std::vector<BalanceTerm> balance_losses(const LossInputs<float>&);
template std::vector<BalanceTerm> balance_losses(const LossInputs<double>&);
template void add_balance_slopes(const LossInputs<float>&, double, RouterSlopes<float>&);
template void add_balance_slopes(const LossInputs<double>&, double, RouterSlopes<double>&);

}  // namespace moesim::model
