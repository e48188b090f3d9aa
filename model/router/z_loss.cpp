// SPDX-License-Identifier: Apache-2.0
#include "model/router/z_loss.h"

#include <algorithm>
#include <cmath>

#include "model/cpu/vector_math.h"

namespace moesim::model {
namespace {

template <class S>
bool has_groups(const LossInputs<S>& inputs) {
  return inputs.run.config.type == RouterType::two_level;
}

template <class S>
double mean_square(const Pass<S>& pass, const Matrix<S>& logits) {
  const Index n = logits.cols();
  const double sum = sum_over_rows(pass, logits.rows(), [&](Index t) {
    const S* const row = logits.data() + t * n;
    const S largest = row_max(row, n);
    double exponentials = 0;
    for (Index e = 0; e < n; ++e) {
      exponentials += static_cast<double>(vector_math::exp_value(row[e] - largest));
    }
    const double log_sum = static_cast<double>(largest) + std::log(exponentials);
    return log_sum * log_sum;
  });
  return sum / static_cast<double>(logits.rows());
}

// d/dz_i = 2 / T log_sum softmax(z)_i.
template <class S>
void add_slope(const Pass<S>& pass, const Matrix<S>& logits, double scale, Matrix<S>& d_logits) {
  const Index n = logits.cols();
  zero_unless_there(d_logits, logits.rows(), n);
  const S factor = static_cast<S>(2 * scale / static_cast<double>(logits.rows()));
  for_row_pieces(pass, logits.rows(), [&](Index first, Index end) {
    std::vector<S> row(n);
    for (Index t = first; t < end; ++t) {
      std::copy_n(logits.data() + t * n, n, row.data());
      const S log_sum = softmax_in_place(row.data(), n);
      for (Index e = 0; e < n; ++e) d_logits(t, e) += factor * log_sum * row[e];
    }
  });
}

}  // namespace

template <class S>
double z_loss(const LossInputs<S>& inputs) {
  const Pass<S>& pass = inputs.run.pass;
  const double of_groups = has_groups(inputs) ? mean_square(pass, inputs.cache.group_logits) : 0;
  return mean_square(pass, inputs.cache.logits) + of_groups;
}

template <class S>
void add_z_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes) {
  add_slope(inputs.run.pass, inputs.cache.logits, scale, slopes.logits);
  if (!has_groups(inputs)) return;
  add_slope(inputs.run.pass, inputs.cache.group_logits, scale, slopes.group_logits);
}

template double z_loss(const LossInputs<float>&);
template double z_loss(const LossInputs<double>&);
template void add_z_slope(const LossInputs<float>&, double, RouterSlopes<float>&);
template void add_z_slope(const LossInputs<double>&, double, RouterSlopes<double>&);

}  // namespace moesim::model
