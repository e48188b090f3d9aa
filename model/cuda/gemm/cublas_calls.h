// SPDX-License-Identifier: Apache-2.0
// The products of single experts as cuBLAS sees them: column-major, so that row-major C = A B is
// C^T = B^T A^T. Free of CUDA, so that shapes and places are tested where there is none.
#pragma once

#include <cstdint>
#include <vector>

#include "model/cuda/gemm/grouped_problem.h"

namespace moesim::model::cuda {

// C [n, m] (+)= first [n, k] second [k, m], column-major; `first` is B, `second` A.
struct ExpertCall {
  int n;
  int m;
  int k;
  std::int64_t first;  // elements from the operand's begin
  std::int64_t second;
  std::int64_t result;  // elements from C's begin
  int expert;
};

// What is transposed, and whose lines are rows of the experts, by form.
struct CallLayout {
  bool first_transposed;
  bool second_transposed;
};

constexpr CallLayout call_layout(Form form) {
  return {form == Form::into_units, form == Form::into_weights};
}

// Where C lies: rows in the experts' order with `stride`, or a matrix for each expert.
struct ResultPlace {
  std::int64_t stride;
  std::int64_t expert_stride;
};

// The products of the experts that have rows, in their order. `segment`: which of a problem's
// pairs; into_units: A is always the first, gathered before (row r is line r).
template <class Element>
std::vector<ExpertCall> expert_calls(Form form, const GroupedProblem<Element>& problem, int segment,
                                     const std::vector<std::int32_t>& first_row,
                                     const ResultPlace& result) {
  const bool weights = form == Form::into_weights;
  const GroupedOperand<Element>& a = problem.a[form == Form::into_units ? 0 : segment];
  const GroupedOperand<Element>& b = problem.b[segment];
  std::vector<ExpertCall> calls;
  for (int expert = 0; expert < problem.experts; ++expert) {
    const std::int64_t first = first_row[static_cast<std::size_t>(expert)];
    const int rows = static_cast<int>(first_row[static_cast<std::size_t>(expert) + 1] - first);
    if (rows == 0) continue;
    ExpertCall call;
    call.n = problem.columns;
    call.m = weights ? problem.out_rows : rows;
    call.k = weights ? rows : problem.depth;
    call.first = weights ? first * b.stride : expert * b.expert_stride;
    call.second = first * a.stride;
    call.result = weights ? expert * result.expert_stride : first * result.stride;
    call.expert = expert;
    calls.push_back(call);
  }
  return calls;
}

}  // namespace moesim::model::cuda
