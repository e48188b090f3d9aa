// SPDX-License-Identifier: Apache-2.0
// What tests of the numerics share: a pass with its threads and backend, random matrices, and the
// comparison of a gradient with central differences.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "model/cpu/cpu_backend.h"
#include "model/matrix.h"
#include "model/pass.h"

namespace moesim::testing {

// Owns what its pass points to.
template <class S>
struct OwnedPass {
  explicit OwnedPass(int num_threads = 1)
      : threads(num_threads),
        backend(model::make_cpu_backend<S>(threads)),
        pass{*backend, threads} {}

  base::ThreadPool threads;
  std::unique_ptr<model::Backend<S>> backend;
  model::Pass<S> pass;
};

template <class S>
model::Matrix<S> random_matrix(model::Index rows, model::Index cols, base::Rng& rng) {
  model::Matrix<S> matrix(rows, cols);
  for (model::Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = static_cast<S>(rng.normal());
  return matrix;
}

struct SlopeCheck {
  std::string name;
  double step = 1e-5;
  double tolerance = 1e-7;          // relative to the matrix's largest slope
  model::Index most_elements = 60;  // so many, spread evenly
  bool may_be_zero = false;         // else a gradient that is zero everywhere fails
};

// `slopes` is the gradient of loss() with respect to `values`, which loss() reads.
inline void expect_slopes(const SlopeCheck& check, model::Matrix<double>& values,
                          const model::Matrix<double>& slopes,
                          const std::function<double()>& loss) {
  ASSERT_EQ(values.size(), slopes.size()) << check.name;
  double error = 0;
  double size = 0;
  const model::Index stride = std::max<model::Index>(1, values.size() / check.most_elements);
  for (model::Index i = 0; i < values.size(); i += stride) {
    const double kept = values.data()[i];
    values.data()[i] = kept + check.step;
    const double above = loss();
    values.data()[i] = kept - check.step;
    const double below = loss();
    values.data()[i] = kept;
    const double slope = (above - below) / (2 * check.step);
    error = std::max(error, std::abs(slope - slopes.data()[i]));
    size = std::max(size, std::abs(slope));
  }
  if (!check.may_be_zero) {
    EXPECT_GT(size, 0) << check.name;
  }
  EXPECT_LE(error, check.tolerance * std::max(size, 1e-3)) << check.name;
}

}  // namespace moesim::testing
