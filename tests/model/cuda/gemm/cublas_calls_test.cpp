// SPDX-License-Identifier: Apache-2.0
// The calls that the products of experts become, multiplied by loops over column-major matrices as
// the BLAS defines them.
#include "model/cuda/gemm/cublas_calls.h"

#include <gtest/gtest.h>

#include "tests/model/cuda/gemm/host_memory.h"
#include "tests/support/expert_products.h"

namespace moesim::model::cuda {
namespace {

// Element (i, j) of op(a), column-major with `stride` between columns.
double element(const float* a, bool transposed, std::int64_t stride, std::pair<int, int> at) {
  return transposed ? a[at.second + at.first * stride] : a[at.first + at.second * stride];
}

class LoopRunner : public testing::HostMemory {
 public:
  using Element = float;

  template <Form form, class Epilogue>
  void run(const GroupedProblem<float>& given, const Epilogue& epilogue) {
    GroupedProblem<float> problem = given;
    const std::vector<std::int32_t> first_row(given.first_row, given.first_row + given.experts + 1);
    const int rows = first_row.back();
    if (form == Form::into_units) problem.a[0] = gathered(given.a[0], rows, given.depth);
    if (form == Form::into_weights) problem.b[0] = gathered(given.b[0], rows, given.columns);
    const int lines = form == Form::into_weights ? given.experts * given.out_rows : rows;
    const int pairs = form == Form::into_units ? Epilogue::kParts : given.segments;
    std::vector<std::vector<float>> sums(Epilogue::kParts);
    for (auto& part : sums) part.assign(static_cast<std::size_t>(lines) * given.columns, 0.0F);
    for (int i = 0; i < pairs; ++i) {
      const ResultPlace place{given.columns, std::int64_t{given.out_rows} * given.columns};
      for (const ExpertCall& call : expert_calls(form, problem, i, first_row, place)) {
        const float* const first = problem.b[i].data + call.first;
        const float* const second = problem.a[form == Form::into_units ? 0 : i].data + call.second;
        multiply<form>(call, {first, problem.b[i].stride},
                       {second, problem.a[form == Form::into_units ? 0 : i].stride},
                       sums[form == Form::into_units ? i : 0].data());
      }
    }
    for (int line = 0; line < lines; ++line) finish<form>(given, epilogue, sums, line);
  }

 private:
  struct Strided {
    const float* data;
    std::int64_t stride;
  };

  GroupedOperand<float> gathered(const GroupedOperand<float>& from, int rows, int columns) {
    std::vector<float> to(static_cast<std::size_t>(rows) * columns, 0.0F);
    for (int i = 0; i < rows * columns; ++i) {
      const std::int64_t line = from.source[i / columns];
      if (line >= 0) to[static_cast<std::size_t>(i)] = from.data[line * from.stride + i % columns];
    }
    return {give(to), columns, 0, nullptr};
  }

  template <Form form>
  static void multiply(const ExpertCall& call, Strided first, Strided second, float* result) {
    const CallLayout layout = call_layout(form);
    for (int i = 0; i < call.n * call.m; ++i) {
      const int n = i % call.n;
      const int m = i / call.n;
      double sum = 0;
      for (int k = 0; k < call.k; ++k) {
        sum += element(first.data, layout.first_transposed, first.stride, {n, k}) *
               element(second.data, layout.second_transposed, second.stride, {k, m});
      }
      result[call.result + i] += static_cast<float>(sum);
    }
  }

  template <Form form, class Epilogue>
  static void finish(const GroupedProblem<float>& problem, const Epilogue& epilogue,
                     const std::vector<std::vector<float>>& sums, int line) {
    const bool weights = form == Form::into_weights;
    const int expert = weights ? line / problem.out_rows
                               : expert_of_tile(problem.first_row, problem.experts, line);
    float slice = 0;
    for (int column = 0; column < problem.columns; column += kChunkColumns) {
      const int columns = within(problem.columns - column, kChunkColumns);
      float values[Epilogue::kParts][kChunkColumns] = {};
      for (int i = 0; i < Epilogue::kParts * columns; ++i) {
        const auto at = static_cast<std::size_t>(line) * problem.columns + column + i % columns;
        values[i / columns][i % columns] = sums[static_cast<std::size_t>(i / columns)][at];
      }
      const int row = weights ? line % problem.out_rows : line;
      slice += epilogue.finish({expert, row, column, columns}, values);
      const bool ends = column % kSliceFloats == kSliceFloats - kChunkColumns ||
                        column + kChunkColumns >= problem.columns;
      if constexpr (Epilogue::kSumsRows) {
        if (ends) epilogue.finish_row(row, column / kSliceFloats * kSliceFloats, slice);
      }
      if (ends) slice = 0;
    }
  }
};

TEST(CublasCalls, AreTheProductsOfAllFormsAndLeaveOutExpertsWithoutRows) {
  LoopRunner runner;
  testing::ExpertProducts<LoopRunner> products(
      runner, {{0, 1, 40, 0, 17}, 24, 37, testing::Values::integers});
  products.expect_forward<2>(Activation::relu, true);
  products.expect_forward<1>(Activation::relu, false);
  products.expect_backward(Activation::relu, true);
  products.expect_rows(1, true);
  products.expect_rows(2, false);
  products.expect_weights(testing::Into::floats);
  products.expect_weights(testing::Into::floats_on_top);
}

}  // namespace
}  // namespace moesim::model::cuda
