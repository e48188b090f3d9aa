// SPDX-License-Identifier: Apache-2.0
// Products of the experts on small operands, against sums in double: what a kernel has to give on
// whatever runs it. A runner has
//   Element                                  // Bf16 or float
//   give(values) -> pointer                  // a copy where kernels see it
//   poisoned<T>(count) -> pointer            // memory of NaNs
//   fetch(pointer, count) -> vector
//   run<form>(problem, epilogue)
// Lines are longer than what they hold, and the rest of them is NaN, as are rows that nobody reads.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/rng.h"
#include "model/cuda/gemm/epilogues.h"
#include "model/cuda/gemm/grouped_problem.h"

namespace moesim::testing {

// Small integers: every partial sum is exact in fp32 in whatever order, so results are compared for
// equality and an index, mask or tail that is off shows. Normal: within 4e-3 in the norm, the
// rounding of bf16 (2^-9 each for two operands and the result).
enum class Values { integers, normal };

struct ExpertSizes {
  std::vector<int> rows;  // of each expert
  int hidden = 0;
  int units = 0;
  Values values = Values::integers;

  int experts() const { return static_cast<int>(rows.size()); }
};

// Where sums go: elements, rounded once; fp32; fp32 on top of what is there.
enum class Into { elements, floats, floats_on_top };

// The numbers of rows at which tiles begin and end, and experts without any.
inline std::vector<int> ragged_rows() { return {0, 1, 63, 64, 0, 65, 127, 128, 129, 0}; }

template <class Runner>
class ExpertProducts {
 public:
  using Element = typename Runner::Element;
  using Problem = model::cuda::GroupedProblem<Element>;

  // Lines of an operand, on both sides.
  struct Lines {
    std::vector<Element> host;
    Element* device = nullptr;
    int lines = 0;
    int columns = 0;
    int stride = 0;

    double at(std::int64_t line, int column) const {
      return model::cuda::to_float(host[static_cast<std::size_t>(line * stride + column)]);
    }
  };

  ExpertProducts(Runner& runner, ExpertSizes sizes)
      : runner_(runner), sizes_(std::move(sizes)), rng_(1, "expert products") {
    first_row_.push_back(0);
    for (const int rows : sizes_.rows) first_row_.push_back(first_row_.back() + rows);
    rows_ = first_row_.back() + kSpareRows;
    tokens_ = 100;
    for (int row = 0; row < rows_; ++row) {
      source_.push_back(static_cast<std::int32_t>(rng_.below(static_cast<unsigned>(tokens_))));
    }
    if (first_row_.back() > 2) source_[2] = -1;
    first_row_there_ = runner_.give(first_row_);
    source_there_ = runner_.give(source_);
  }

  // Rows into units: z and f(z), of one part or of gate and up.
  template <int kParts>
  void expect_forward(model::Activation function, bool biased) {
    const Lines tokens = filled(tokens_, sizes_.hidden, tokens_);
    Problem problem = problem_of(sizes_.units, sizes_.hidden);
    problem.a[0] = {tokens.device, tokens.stride, 0, source_there_};
    model::cuda::ForwardUnits<Element, kParts> epilogue;
    std::vector<Lines> weights, z;
    std::vector<std::vector<float>> bias(kParts);
    const Lines activated = output(rows_, sizes_.units);
    for (int part = 0; part < kParts; ++part) {
      weights.push_back(weights_of_experts());
      problem.b[part] = operand_of(weights.back());
      z.push_back(output(rows_, sizes_.units));
      epilogue.z[part] = z.back().device;
      for (int i = 0; i < sizes_.experts() * sizes_.units; ++i) bias[part].push_back(draw());
      if (biased) epilogue.bias[part] = runner_.give(bias[part]);
    }
    epilogue.activated = activated.device;
    epilogue.stride = activated.stride;
    epilogue.units = sizes_.units;
    epilogue.function = function;
    runner_.template run<model::cuda::Form::into_units>(problem, epilogue);
    const auto z_at = [&](int part, int row, int unit) {
      const int expert = expert_of(row);
      const double start = biased ? bias[part][expert * sizes_.units + unit] : 0;
      return start + dot(tokens, source_[row], weights[part], expert * sizes_.units + unit);
    };
    for (int part = 0; part < kParts; ++part) {
      expect(z[part], rows_in_use(), [&](int row, int unit) { return z_at(part, row, unit); });
    }
    expect(activated, rows_in_use(), [&](int row, int unit) {
      const double value = unit_value(function, z_at(0, row, unit));
      return kParts == 2 ? value * z_at(1, row, unit) : value;
    });
  }

  // Gradients of the activations, and what follows from them in the same tile.
  void expect_backward(model::Activation function, bool gated) {
    const Lines d_output = filled(tokens_, sizes_.hidden, tokens_);
    const Lines weights = weights_of_experts();
    Problem problem = problem_of(sizes_.units, sizes_.hidden);
    problem.a[0] = {d_output.device, d_output.stride, 0, source_there_};
    problem.b[0] = operand_of(weights);
    const Lines gate = filled(rows_, sizes_.units, rows_in_use());
    const Lines up = filled(rows_, sizes_.units, rows_in_use());
    const Lines d_gate = output(rows_, sizes_.units);
    const Lines d_up = output(rows_, sizes_.units);
    const Lines weighted = output(rows_, sizes_.units);
    std::vector<float> weight;
    for (int row = 0; row < rows_; ++row) weight.push_back(draw());
    model::cuda::BackwardUnits<Element> epilogue;
    epilogue.z_gate = gated ? gate.device : nullptr;
    epilogue.z_up = up.device;
    epilogue.weight = runner_.give(weight);
    epilogue.d_gate = d_gate.device;
    epilogue.d_up = d_up.device;
    epilogue.weighted = weighted.device;
    epilogue.stride = up.stride;
    epilogue.sum_columns = model::cuda::tiles_of(sizes_.units, 64);
    const std::size_t sums = static_cast<std::size_t>(rows_) * epilogue.sum_columns;
    epilogue.weight_sums = runner_.template poisoned<float>(sums);
    epilogue.function = function;
    runner_.template run<model::cuda::Form::into_units>(problem, epilogue);
    const auto da = [&](int row, int unit) {
      return dot(d_output, source_[row], weights, expert_of(row) * sizes_.units + unit);
    };
    const auto activated = [&](int row, int unit) {
      if (!gated) return unit_value(function, up.at(row, unit));
      return unit_value(function, gate.at(row, unit)) * up.at(row, unit);
    };
    const int rows = rows_in_use();
    expect(weighted, rows, [&](int r, int i) { return weight[r] * activated(r, i); });
    expect(d_up, rows, [&](int r, int i) {
      const double slope = gated ? unit_value(function, gate.at(r, i)) : unit_slope(up.at(r, i));
      return weight[r] * da(r, i) * slope;
    });
    expect(d_gate, gated ? rows : 0, [&](int r, int i) {
      return weight[r] * da(r, i) * up.at(r, i) * unit_slope(gate.at(r, i));
    });
    expect_sums(runner_.fetch(epilogue.weight_sums, sums), epilogue.sum_columns,
                [&](int row, int unit) { return da(row, unit) * activated(row, unit); });
  }

  // Units' rows into hidden ones, `segments` of them added up.
  void expect_rows(int segments, bool biased, Into into = Into::elements) {
    Problem problem = problem_of(sizes_.hidden, sizes_.units);
    problem.segments = segments;
    std::vector<Lines> rows, weights;
    for (int i = 0; i < segments; ++i) {
      rows.push_back(filled(rows_, sizes_.units, rows_in_use()));
      weights.push_back(weights_of_experts());
      problem.a[i] = {rows[i].device, rows[i].stride, 0, nullptr};
      problem.b[i] = operand_of(weights[i]);
    }
    std::vector<float> bias;
    for (int i = 0; i < sizes_.experts() * sizes_.hidden; ++i) bias.push_back(draw());
    Stored stored = room_for(rows_, sizes_.hidden, rows_in_use(), into);
    stored.epilogue.columns = sizes_.hidden;
    if (biased) stored.epilogue.bias = runner_.give(bias);
    runner_.template run<model::cuda::Form::into_rows>(problem, stored.epilogue);
    expect(stored, rows_in_use(), [&](int row, int column) {
      const int expert = expert_of(row);
      double sum = biased ? bias[expert * sizes_.hidden + column] : 0;
      for (int i = 0; i < segments; ++i) {
        for (int k = 0; k < sizes_.units; ++k) {
          sum += rows[i].at(row, k) * weights[i].at(expert * sizes_.units + k, column);
        }
      }
      return sum;
    });
  }

  // Gradients of weights.
  void expect_weights(Into into) {
    const Lines d_units = filled(rows_, sizes_.units, rows_in_use());
    const Lines tokens = filled(tokens_, sizes_.hidden, tokens_);
    Problem problem = problem_of(sizes_.hidden, 0);
    problem.out_rows = sizes_.units;
    problem.a[0] = {d_units.device, d_units.stride, 0, nullptr};
    problem.b[0] = {tokens.device, tokens.stride, 0, source_there_};
    const int lines = sizes_.experts() * sizes_.units;
    Stored stored = room_for(lines, sizes_.hidden, lines, into);
    stored.epilogue.expert_stride = sizes_.units * stored.epilogue.stride;
    runner_.template run<model::cuda::Form::into_weights>(problem, stored.epilogue);
    expect(stored, lines, [&](int line, int column) {
      const int expert = line / sizes_.units;
      double sum = 0;
      for (int row = first_row_[expert]; row < first_row_[expert + 1]; ++row) {
        if (source_[row] < 0) continue;
        sum += d_units.at(row, line % sizes_.units) * tokens.at(source_[row], column);
      }
      return sum;
    });
  }

 private:
  static constexpr int kSpareRows = 7;
  static constexpr double kTolerance = 4e-3;

  struct Difference {
    double squares = 0;
    double size = 0;
    int unequal = 0;

    void add(double value, double sum, double rounded) {
      squares += (value - sum) * (value - sum);
      size += sum * sum;
      unequal += value == rounded ? 0 : 1;
    }
    void expect_none(Values values) const {
      if (values == Values::integers) {
        EXPECT_EQ(unequal, 0);
      } else {
        EXPECT_LE(std::sqrt(squares), kTolerance * std::sqrt(size));
      }
    }
  };

  float draw() {
    if (sizes_.values == Values::integers) return static_cast<float>(rng_.below(5)) - 2.0F;
    return static_cast<float>(rng_.normal());
  }
  int stride_of(int columns) const {
    const int unit = 16 / static_cast<int>(sizeof(Element));
    return (columns + unit - 1) / unit * unit + unit;
  }
  static Element poison() { return model::cuda::to_element<Element>(std::nanf("")); }
  // The first `filled_lines` hold values.
  Lines filled(int lines, int columns, int filled_lines) {
    Lines result{{}, nullptr, lines, columns, stride_of(columns)};
    result.host.assign(static_cast<std::size_t>(lines) * result.stride, poison());
    for (int i = 0; i < filled_lines * columns; ++i) {
      const std::size_t at = static_cast<std::size_t>(i / columns) * result.stride + i % columns;
      result.host[at] = model::cuda::to_element<Element>(draw());
    }
    result.device = runner_.give(result.host);
    return result;
  }
  Lines output(int lines, int columns) {
    Lines result{{}, nullptr, lines, columns, stride_of(columns)};
    result.device =
        runner_.template poisoned<Element>(static_cast<std::size_t>(lines) * result.stride);
    return result;
  }
  Lines weights_of_experts() {
    const int lines = sizes_.experts() * sizes_.units;
    return filled(lines, sizes_.hidden, lines);
  }
  model::cuda::GroupedOperand<Element> operand_of(const Lines& weights) const {
    return {weights.device, weights.stride, std::int64_t{sizes_.units} * weights.stride, nullptr};
  }
  Problem problem_of(int columns, int depth) const {
    Problem problem;
    problem.first_row = first_row_there_;
    problem.rows = rows_;
    problem.experts = sizes_.experts();
    problem.columns = columns;
    problem.depth = depth;
    return problem;
  }
  int rows_in_use() const { return first_row_.back(); }
  int expert_of(int row) const {
    int expert = 0;
    while (first_row_[expert + 1] <= row) ++expert;
    return expert;
  }
  double dot(const Lines& a, int a_line, const Lines& b, int b_line) const {
    double sum = 0;
    if (a_line < 0) return sum;
    for (int k = 0; k < a.columns; ++k) sum += a.at(a_line, k) * b.at(b_line, k);
    return sum;
  }
  // Of silu and relu, worked out here.
  static double unit_value(model::Activation function, double x) {
    if (function == model::Activation::relu) return x > 0 ? x : 0;
    return x / (1 + std::exp(-x));
  }
  double unit_slope(double x) const {
    if (sizes_.values == Values::integers) return x > 0 ? 1 : 0;
    const double s = 1 / (1 + std::exp(-x));
    return s + x * s * (1 - s);
  }
  // Where StoreOutput puts its sums.
  struct Stored {
    model::cuda::StoreOutput<Element> epilogue;
    Lines elements;             // or else
    std::vector<float> before;  // [lines, stride] what the floats were
  };
  // Floats to add to are there in the first `filled_lines`; all else is NaN.
  Stored room_for(int lines, int columns, int filled_lines, Into into) {
    Stored stored;
    if (into == Into::elements) {
      stored.elements = output(lines, columns);
      stored.epilogue.elements = stored.elements.device;
      stored.epilogue.stride = stored.elements.stride;
      return stored;
    }
    constexpr int kFloats = 4;  // of 16 bytes
    const int stride = (columns + kFloats - 1) / kFloats * kFloats + kFloats;
    stored.before.assign(static_cast<std::size_t>(lines) * stride, std::nanf(""));
    stored.elements.columns = columns;
    stored.epilogue.stride = stride;
    stored.epilogue.accumulate = into == Into::floats_on_top;
    for (int i = 0; stored.epilogue.accumulate && i < filled_lines * columns; ++i) {
      stored.before[static_cast<std::size_t>(i / columns) * stride + i % columns] = draw();
    }
    stored.epilogue.floats = runner_.give(stored.before);
    return stored;
  }
  template <class Reference>
  void expect(const Stored& stored, int rows, Reference&& reference) {
    if (stored.before.empty()) return expect(stored.elements, rows, reference);
    const std::vector<float> values = runner_.fetch(stored.epilogue.floats, stored.before.size());
    Difference difference;
    int touched = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const int row = static_cast<int>(i / stored.epilogue.stride);
      const int column = static_cast<int>(i % stored.epilogue.stride);
      if (row >= rows || column >= stored.elements.columns) {
        touched += std::isnan(values[i]) ? 0 : 1;
        continue;
      }
      const double sum =
          reference(row, column) + (stored.epilogue.accumulate ? stored.before[i] : 0);
      difference.add(values[i], sum, static_cast<float>(sum));
    }
    EXPECT_EQ(touched, 0);
    difference.expect_none(sizes_.values);
  }
  // The first `rows` of an output are `reference`, and the rest of its memory is as it was.
  template <class Reference>
  void expect(const Lines& lines, int rows, Reference&& reference) {
    const std::size_t count = static_cast<std::size_t>(lines.lines) * lines.stride;
    const std::vector<Element> values = runner_.fetch(lines.device, count);
    Difference difference;
    int touched = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const int row = static_cast<int>(i / lines.stride);
      const int column = static_cast<int>(i % lines.stride);
      const float value = model::cuda::to_float(values[i]);
      if (row >= rows || column >= lines.columns) {
        touched += std::isnan(value) ? 0 : 1;
        continue;
      }
      const double sum = reference(row, column);
      const Element rounded = model::cuda::to_element<Element>(static_cast<float>(sum));
      difference.add(value, sum, model::cuda::to_float(rounded));
    }
    EXPECT_EQ(touched, 0);
    difference.expect_none(sizes_.values);
  }
  // Sums over 64 units each.
  template <class Term>
  void expect_sums(const std::vector<float>& values, int sum_columns, Term&& term) {
    Difference difference;
    for (int i = 0; i < rows_in_use() * sum_columns; ++i) {
      double sum = 0;
      const int first = i % sum_columns * 64;
      for (int unit = first; unit < std::min(first + 64, sizes_.units); ++unit) {
        sum += term(i / sum_columns, unit);
      }
      difference.add(values[static_cast<std::size_t>(i)], sum, sum);
    }
    difference.expect_none(sizes_.values);
  }

  Runner& runner_;
  ExpertSizes sizes_;
  base::Rng rng_;
  int rows_ = 0;
  int tokens_ = 0;
  std::vector<std::int32_t> first_row_;
  std::vector<std::int32_t> source_;
  const std::int32_t* first_row_there_ = nullptr;
  const std::int32_t* source_there_ = nullptr;
};

}  // namespace moesim::testing
