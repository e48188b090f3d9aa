// SPDX-License-Identifier: Apache-2.0
#include "model/router/gate_logits.h"

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "model/cpu/vector_math.h"

namespace moesim::model {
namespace {

template <class S>
bool has_jitter(const RouterRun<S>& run) {
  return run.pass.training && run.config.input_jitter > 0;
}

template <class S>
bool has_noise(const RouterRun<S>& run) {
  return run.pass.training && run.config.type == RouterType::noisy_top_k;
}

template <class S>
bool learns_noise(const RouterRun<S>& run) {
  return has_noise(run) && run.config.noise_scale == NoiseScale::learned;
}

// rows *= the factors of the pass.
template <class S>
void apply_jitter(const RouterRun<S>& run, Matrix<S>& rows) {
  const base::RandomField field(run.pass.seed, draws_of(run.context, "gate jitter"));
  const double jitter = run.config.input_jitter;
  const Index width = rows.cols();
  for_row_pieces(run.pass, rows.rows(), [&](Index first, Index end) {
    for (Index i = first * width; i < end * width; ++i) {
      rows.data()[i] *= static_cast<S>(1 + jitter * (2 * field.uniform(i) - 1));
    }
  });
}

// y = x w^T.
template <class S>
void project(const Backend<S>& backend, const Matrix<S>& x, const Matrix<S>& w, Matrix<S>& y) {
  y.resize(x.rows(), w.rows());
  Product<S> product{x.rows(), w.rows(), x.cols(), operand(x), transposed(w), y.data(), w.rows()};
  backend.multiply(product);
}

// gradient = or += dy^T x, as the pass says; dx += dy w.
template <class S>
struct ProjectBackward {
  const Pass<S>& pass;
  const Matrix<S>& x;
  Matrix<S>& dx;

  void run(const Matrix<S>& w, const Matrix<S>& dy, Matrix<S>& gradient) const {
    if (!pass.add_gradients) gradient.resize(w.rows(), w.cols());
    Product<S> of_weights{w.rows(),   w.cols(),        x.rows(), transposed(dy),
                          operand(x), gradient.data(), w.cols()};
    of_weights.accumulate = pass.add_gradients;
    pass.backend.multiply(of_weights);
    Product<S> of_rows{x.rows(), w.cols(), w.rows(), operand(dy), operand(w), dx.data(), dx.cols()};
    of_rows.accumulate = true;
    pass.backend.multiply(of_rows);
  }
};

// log(1 + e^a) without overflow.
template <class S>
S softplus(S a) {
  return std::max(a, S(0)) + std::log1p(std::exp(-std::abs(a)));
}

template <class S>
void add_noise(const RouterRun<S>& run, const Matrix<S>& input, RouterCache<S>& cache) {
  const base::RandomField field(run.pass.seed, draws_of(run.context, "gate noise"));
  const Index num_experts = cache.logits.cols();
  const bool learned = learns_noise(run);
  if (learned) project(run.pass.backend, input, run.weights.noise, cache.noise_scale);
  const S fixed = static_cast<S>(run.config.noise_std);
  cache.adjusted_logits.resize(cache.logits.rows(), num_experts);
  for_row_pieces(run.pass, cache.logits.rows(), [&](Index first, Index end) {
    for (Index i = first * num_experts; i < end * num_experts; ++i) {
      S scale = fixed;
      if (learned) scale = cache.noise_scale.data()[i] = softplus(cache.noise_scale.data()[i]);
      cache.adjusted_logits.data()[i] =
          cache.logits.data()[i] + static_cast<S>(field.normal(i)) * scale;
    }
  });
}

// The slope of the noise's scale, and from it that of the noise gate: softplus' = 1 - e^-softplus.
template <class S>
void noise_gate_backward(const RouterRun<S>& run, const RouterCache<S>& cache,
                         const Matrix<S>& d_noisy, Matrix<S>& d_scale) {
  const base::RandomField field(run.pass.seed, draws_of(run.context, "gate noise"));
  const Index num_experts = d_noisy.cols();
  zero_unless_there(d_scale, d_noisy.rows(), num_experts);
  for_row_pieces(run.pass, d_noisy.rows(), [&](Index first, Index end) {
    for (Index i = first * num_experts; i < end * num_experts; ++i) {
      const S along_scale = d_scale.data()[i] + d_noisy.data()[i] * static_cast<S>(field.normal(i));
      d_scale.data()[i] = along_scale * -std::expm1(-cache.noise_scale.data()[i]);
    }
  });
}

// Subtracts from x[0, n) the logarithm of the sum of its exponentials.
template <class S>
void log_softmax(S* x, Index n) {
  const S largest = row_max(x, n);
  S sum = 0;
  for (Index i = 0; i < n; ++i) sum += std::exp(x[i] - largest);
  const S shift = largest + std::log(sum);
  for (Index i = 0; i < n; ++i) x[i] -= shift;
}

template <class S>
void two_level_logits(const RouterRun<S>& run, const Matrix<S>& input, RouterCache<S>& cache) {
  project(run.pass.backend, input, run.weights.group_gate, cache.group_logits);
  const Index groups = cache.group_logits.cols();
  const Index size = cache.logits.cols() / groups;
  cache.adjusted_logits = cache.logits;
  for_row_pieces(run.pass, input.rows(), [&](Index first, Index end) {
    std::vector<S> group(groups);
    for (Index t = first; t < end; ++t) {
      std::copy_n(cache.group_logits.data() + t * groups, groups, group.data());
      log_softmax(group.data(), groups);
      for (Index g = 0; g < groups; ++g) {
        S* const members = cache.adjusted_logits.data() + (t * groups + g) * size;
        log_softmax(members, size);
        for (Index e = 0; e < size; ++e) members[e] += group[g];
      }
    }
  });
}

// Of y = log softmax(z): dz_i = dy_i - softmax(z)_i sum_j dy_j. Overwrites dy; returns their sum.
template <class S>
S log_softmax_backward(const S* z, Index n, S* dy) {
  const S sum = row_sum(dy, n);
  const S largest = row_max(z, n);
  S total = 0;
  for (Index i = 0; i < n; ++i) total += std::exp(z[i] - largest);
  for (Index i = 0; i < n; ++i) dy[i] -= std::exp(z[i] - largest) / total * sum;
  return sum;
}

// Slopes of log p become those of the logits, in place, and of the groups' logits, added.
template <class S>
void two_level_backward(const RouterRun<S>& run, const RouterCache<S>& cache, Matrix<S>& d_adjusted,
                        Matrix<S>& d_group_logits) {
  const Index groups = cache.group_logits.cols();
  const Index size = cache.logits.cols() / groups;
  zero_unless_there(d_group_logits, cache.group_logits.rows(), groups);
  for_row_pieces(run.pass, cache.logits.rows(), [&](Index first, Index end) {
    std::vector<S> group(groups);
    for (Index t = first; t < end; ++t) {
      for (Index g = 0; g < groups; ++g) {
        const Index members = (t * groups + g) * size;
        group[g] =
            log_softmax_backward(cache.logits.data() + members, size, d_adjusted.data() + members);
      }
      log_softmax_backward(cache.group_logits.data() + t * groups, groups, group.data());
      for (Index g = 0; g < groups; ++g) d_group_logits(t, g) += group[g];
    }
  });
}

}  // namespace

template <class S>
void gate_logits(const RouterRun<S>& run, const Matrix<S>& x, RouterCache<S>& cache) {
  cache.input.resize(0, 0);
  cache.adjusted_logits.resize(0, 0);
  if (has_jitter(run)) {
    cache.input = x;
    apply_jitter(run, cache.input);
  }
  const Matrix<S>& input = has_jitter(run) ? cache.input : x;
  project(run.pass.backend, input, run.weights.gate, cache.logits);
  if (has_noise(run)) add_noise(run, input, cache);
  if (run.config.type == RouterType::two_level) two_level_logits(run, input, cache);
}

template <class S>
void gate_logits_backward(const RouterRun<S>& run, const Matrix<S>& x, const RouterCache<S>& cache,
                          RouterSlopes<S>& slopes, const GateGradients<S>& gradients) {
  Matrix<S>& d_logits = zero_unless_there(slopes.adjusted_logits, x.rows(), cache.logits.cols());
  if (learns_noise(run)) noise_gate_backward(run, cache, d_logits, slopes.noise_scale);
  if (run.config.type == RouterType::two_level) {
    two_level_backward(run, cache, d_logits, slopes.group_logits);
  }
  if (slopes.logits.size() != 0) d_logits += slopes.logits;

  Matrix<S> d_input;
  if (has_jitter(run)) d_input.setZero(x.rows(), x.cols());
  const ProjectBackward<S> backward{run.pass, has_jitter(run) ? cache.input : x,
                                    has_jitter(run) ? d_input : gradients.dx};
  backward.run(run.weights.gate, d_logits, gradients.weights.gate);
  if (learns_noise(run)) {
    backward.run(run.weights.noise, slopes.noise_scale, gradients.weights.noise);
  }
  if (run.config.type == RouterType::two_level) {
    backward.run(run.weights.group_gate, slopes.group_logits, gradients.weights.group_gate);
  }
  if (!has_jitter(run)) return;
  apply_jitter(run, d_input);
  gradients.dx += d_input;
}

template void gate_logits(const RouterRun<float>&, const Matrix<float>&, RouterCache<float>&);
template void gate_logits(const RouterRun<double>&, const Matrix<double>&, RouterCache<double>&);
template void gate_logits_backward(const RouterRun<float>&, const Matrix<float>&,
                                   const RouterCache<float>&, RouterSlopes<float>&,
                                   const GateGradients<float>&);
template void gate_logits_backward(const RouterRun<double>&, const Matrix<double>&,
                                   const RouterCache<double>&, RouterSlopes<double>&,
                                   const GateGradients<double>&);

}  // namespace moesim::model
