// SPDX-License-Identifier: Apache-2.0
#include "model/router/share_losses.h"

#include <algorithm>
#include <numeric>

namespace moesim::model {
namespace {

// Expert i's part of the choices of tokens [first, end), [num_experts]; zeros where there is none.
template <class S>
std::vector<double> load_shares(const RouterCache<S>& cache, Index first, Index end) {
  const RoutingBatch& batch = cache.batch;
  std::vector<double> shares(batch.num_experts);
  double pairs = 0;
  for (Index pair = first * batch.top_k; pair < end * batch.top_k; ++pair) {
    const std::int32_t expert = cache.choices()[pair];
    if (expert == kNoExpert) continue;
    shares[expert] += 1;
    pairs += 1;
  }
  for (double& share : shares) share /= std::max(pairs, 1.0);
  return shares;
}

// The tokens of one sequence.
struct Span {
  Index first = 0;
  Index end = 0;

  double tokens() const { return static_cast<double>(end - first); }
};

template <class S>
Span sequence_span(const LossInputs<S>& inputs, Index sequence) {
  const Index length = inputs.run.context.seq_length;
  return {sequence * length, std::min<Index>(inputs.cache.batch.tokens, (sequence + 1) * length)};
}

template <class S>
std::vector<double> mean_shares(const LossInputs<S>& inputs) {
  std::vector<double> means(inputs.share_sums.cols());
  for (Index sequence = 0; sequence < inputs.share_sums.rows(); ++sequence) {
    for (std::size_t e = 0; e < means.size(); ++e) means[e] += inputs.share_sums(sequence, e);
  }
  for (double& mean : means) mean /= inputs.cache.batch.tokens;
  return means;
}

template <class S>
S* slopes_of_sequence(const LossInputs<S>& inputs, Index sequence, RouterSlopes<S>& slopes) {
  Matrix<S>& shares =
      zero_unless_there(slopes.shares, inputs.share_sums.rows(), inputs.share_sums.cols());
  return shares.data() + sequence * shares.cols();
}

// Adds slope[i] to that of every token's share_i.
template <class S>
void add_to_all(const LossInputs<S>& inputs, const std::vector<double>& slope,
                RouterSlopes<S>& slopes) {
  for (Index sequence = 0; sequence < inputs.share_sums.rows(); ++sequence) {
    S* const d_shares = slopes_of_sequence(inputs, sequence, slopes);
    for (std::size_t e = 0; e < slope.size(); ++e) d_shares[e] += static_cast<S>(slope[e]);
  }
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

template <class S>
double aux_loss(const LossInputs<S>& inputs) {
  const std::vector<double> load = load_shares(inputs.cache, 0, inputs.cache.batch.tokens);
  const std::vector<double> means = mean_shares(inputs);
  return static_cast<double>(load.size()) *
         std::inner_product(load.begin(), load.end(), means.begin(), 0.0);
}

template <class S>
void add_aux_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes) {
  const int tokens = inputs.cache.batch.tokens;
  std::vector<double> slope = load_shares(inputs.cache, 0, tokens);
  for (double& value : slope) value *= scale * inputs.cache.batch.num_experts / tokens;
  add_to_all(inputs, slope, slopes);
}

template <class S>
double seq_aux_loss(const LossInputs<S>& inputs) {
  const Index sequences = inputs.share_sums.rows();
  const int num_experts = inputs.cache.batch.num_experts;
  double sum = 0;
  for (Index sequence = 0; sequence < sequences; ++sequence) {
    const Span span = sequence_span(inputs, sequence);
    const std::vector<double> load = load_shares(inputs.cache, span.first, span.end);
    const double* const shares = inputs.share_sums.data() + sequence * num_experts;
    sum += num_experts * std::inner_product(load.begin(), load.end(), shares, 0.0) / span.tokens();
  }
  return sum / static_cast<double>(sequences);
}

template <class S>
void add_seq_aux_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes) {
  const Index sequences = inputs.share_sums.rows();
  for (Index sequence = 0; sequence < sequences; ++sequence) {
    const Span span = sequence_span(inputs, sequence);
    const std::vector<double> load = load_shares(inputs.cache, span.first, span.end);
    const double factor =
        scale * inputs.cache.batch.num_experts / (static_cast<double>(sequences) * span.tokens());
    S* const d_shares = slopes_of_sequence(inputs, sequence, slopes);
    for (std::size_t e = 0; e < load.size(); ++e) d_shares[e] += static_cast<S>(factor * load[e]);
  }
}

template <class S>
double variance_loss(const LossInputs<S>& inputs) {
  const std::vector<double> means = mean_shares(inputs);
  if (means.size() < 2) return 0;
  const double center = mean_of(means);
  double sum = 0;
  for (const double mean : means) sum += (mean - center) * (mean - center);
  return sum / static_cast<double>(means.size() - 1);
}

template <class S>
void add_variance_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes) {
  std::vector<double> slope = mean_shares(inputs);
  if (slope.size() < 2) return;
  const double center = mean_of(slope);
  const double factor =
      2 * scale / (static_cast<double>(slope.size() - 1) * inputs.cache.batch.tokens);
  for (double& value : slope) value = factor * (value - center);
  add_to_all(inputs, slope, slopes);
}

template double aux_loss(const LossInputs<float>&);
template double aux_loss(const LossInputs<double>&);
template void add_aux_slope(const LossInputs<float>&, double, RouterSlopes<float>&);
template void add_aux_slope(const LossInputs<double>&, double, RouterSlopes<double>&);
template double seq_aux_loss(const LossInputs<float>&);
template double seq_aux_loss(const LossInputs<double>&);
template void add_seq_aux_slope(const LossInputs<float>&, double, RouterSlopes<float>&);
template void add_seq_aux_slope(const LossInputs<double>&, double, RouterSlopes<double>&);
template double variance_loss(const LossInputs<float>&);
template double variance_loss(const LossInputs<double>&);
template void add_variance_slope(const LossInputs<float>&, double, RouterSlopes<float>&);
template void add_variance_slope(const LossInputs<double>&, double, RouterSlopes<double>&);

}  // namespace moesim::model
