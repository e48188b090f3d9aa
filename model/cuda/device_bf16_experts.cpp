// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_bf16_experts.h"

#include <algorithm>

#include "model/cuda/gemm/shared_layout.h"
#include "model/cuda/gemm/tile_configs.h"
#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {
namespace {

constexpr int kSumUnits = 64;  // of one of BackwardUnits' sums

// Experts side by side that have as many units.
struct ExpertRun {
  int first = 0;
  int count = 0;
  Index units = 0;
};

std::vector<ExpertRun> runs_of(const ExpertShape& shape) {
  std::vector<ExpertRun> runs;
  for (int e = 0; e < shape.count(); ++e) {
    const bool goes_on = !runs.empty() && runs.back().units == shape.units(e) &&
                         runs.back().count < kMostGroupedExperts;
    if (!goes_on) runs.push_back({e, 0, shape.units(e)});
    ++runs.back().count;
  }
  return runs;
}

// The products of one stack, run after run.
class StackOfRuns {
 public:
  StackOfRuns(const DeviceBf16Experts& experts, const DeviceRows& rows)
      : experts_(experts), shape_(experts.shape), rows_(rows), runs_(runs_of(experts.shape)) {
    for (const ExpertRun& run : runs_) most_units_ = std::max(most_units_, run.units);
    stride_ = ceil_divide(most_units_, kLineElements) * kLineElements;
    dropout_.rule = dropout_rule(experts.pass, shape_.name, shape_.dropout);
    const bool is_even = std::all_of(
        runs_.begin(), runs_.end(), [&](const ExpertRun& run) { return run.units == most_units_; });
    // The processor's draws where all experts have as many units.
    dropout_.line = is_even ? most_units_ : stride_;
  }

  std::size_t elements() const { return static_cast<std::size_t>(rows_.most * stride_); }
  int sum_columns() const { return static_cast<int>(ceil_divide(most_units_, kSumUnits)); }
  bool is_one_run() const { return runs_.size() == 1; }

  template <int kParts>
  void activate(const Bf16Rows& input, ForwardUnits<Bf16, kParts> epilogue) const {
    const ExpertWeights<float>& weights = experts_.weights;
    const Matrix<float>* const of_parts[] = {kParts == 2 ? &weights.gate : &weights.up,
                                             &weights.up};
    const Matrix<float>* const biases[] = {kParts == 2 ? &weights.gate_bias : &weights.up_bias,
                                           &weights.up_bias};
    epilogue.stride = stride_;
    epilogue.function = shape_.activation;
    epilogue.dropout = dropout_;
    for (const ExpertRun& run : runs_) {
      GroupedProblem<Bf16> problem = problem_of(run, run.units, shape_.hidden);
      problem.a[0] = gathered(input);
      for (int part = 0; part < kParts; ++part) {
        problem.b[part] = weights_of(run, *of_parts[part]);
        const float* const bias = experts_.pass.parameters.value(*biases[part]);
        epilogue.bias[part] = bias == nullptr ? nullptr : bias + shape_.first[run.first];
      }
      epilogue.units = static_cast<int>(run.units);
      grouped().into_units(problem, epilogue, {});
    }
  }

  void turn_back(const Bf16Rows& d_output, BackwardUnits<Bf16> epilogue) const {
    epilogue.stride = stride_;
    epilogue.function = shape_.activation;
    epilogue.dropout = dropout_;
    for (const ExpertRun& run : runs_) {
      GroupedProblem<Bf16> problem = problem_of(run, run.units, shape_.hidden);
      problem.a[0] = gathered(d_output);
      problem.b[0] = weights_of(run, experts_.weights.down);
      grouped().into_units(problem, epilogue, {});
    }
  }

  // Units' rows by weights, which add up.
  struct Segment {
    const Bf16* rows;
    const Matrix<float>& weights;
  };
  void into_rows(std::initializer_list<Segment> segments, const Matrix<float>& bias,
                 const Bf16ExpertOutput& output) const {
    StoreOutput<Bf16> epilogue;
    epilogue.elements = output.elements;
    epilogue.floats = output.floats;
    epilogue.accumulate = output.accumulate;
    epilogue.stride = shape_.hidden;
    epilogue.columns = static_cast<int>(shape_.hidden);
    const float* const biases = experts_.pass.parameters.value(bias);
    for (const ExpertRun& run : runs_) {
      GroupedProblem<Bf16> problem = problem_of(run, shape_.hidden, run.units);
      problem.segments = 0;
      for (const Segment& segment : segments) {
        problem.a[problem.segments] = {segment.rows, stride_, 0, nullptr};
        problem.b[problem.segments++] = weights_of(run, segment.weights);
      }
      epilogue.bias = biases == nullptr ? nullptr : biases + run.first * shape_.hidden;
      grouped().into_rows(problem, epilogue, {});
    }
  }

  // The gradient of weights, from rows of units and the rows that they came from or went to.
  void into_weights(const Bf16* units, const Bf16Rows& rows, const Matrix<float>& weights) const {
    StoreOutput<Bf16> epilogue;
    epilogue.stride = shape_.hidden;
    epilogue.accumulate = experts_.pass.host.add_gradients;
    for (const ExpertRun& run : runs_) {
      GroupedProblem<Bf16> problem = problem_of(run, shape_.hidden, 0);
      problem.out_rows = static_cast<int>(run.units);
      problem.a[0] = {units, stride_, 0, nullptr};
      problem.b[0] = gathered(rows);
      epilogue.floats =
          experts_.pass.parameters.gradient(weights) + shape_.first[run.first] * shape_.hidden;
      epilogue.expert_stride = run.units * shape_.hidden;
      grouped().into_weights(problem, epilogue, {});
    }
  }

  void into_unit_bias(const Bf16* units, const Matrix<float>& bias) const {
    for (const ExpertRun& run : runs_) {
      sum_rows(run, {{units, nullptr}, stride_, nullptr},
               experts_.pass.parameters.gradient(bias) + shape_.first[run.first], run.units);
    }
  }
  void into_row_bias(const Bf16Rows& rows, const float* factors, const Matrix<float>& bias) const {
    const ExpertRun all{0, shape_.count(), 0};
    sum_rows(all, {rows, shape_.hidden, factors}, experts_.pass.parameters.gradient(bias),
             shape_.hidden);
  }

 private:
  struct SummedRows {
    Bf16Rows rows;
    std::int64_t stride;
    const float* factors;
  };

  GroupedMultiplier& grouped() const { return experts_.pass.device.grouped(); }

  GroupedProblem<Bf16> problem_of(const ExpertRun& run, Index columns, Index depth) const {
    GroupedProblem<Bf16> problem;
    problem.first_row = rows_.first_row + run.first;
    problem.rows = rows_.most;
    problem.experts = run.count;
    problem.columns = static_cast<int>(columns);
    problem.depth = static_cast<int>(depth);
    return problem;
  }
  GroupedOperand<Bf16> gathered(const Bf16Rows& rows) const {
    return {rows.lines, shape_.hidden, 0, rows.source};
  }
  GroupedOperand<Bf16> weights_of(const ExpertRun& run, const Matrix<float>& weights) const {
    const DeviceParameters& parameters = experts_.pass.parameters;
    const Bf16* const all = parameters.rounded(parameters.value(weights));
    return {all + shape_.first[run.first] * shape_.hidden, shape_.hidden, run.units * shape_.hidden,
            nullptr};
  }
  void sum_rows(const ExpertRun& run, const SummedRows& from, float* sums, Index width) const {
    SumRowsOfExperts kernel;
    kernel.first_row = rows_.first_row + run.first;
    kernel.experts = run.count;
    kernel.rows = from.rows;
    kernel.stride = from.stride;
    kernel.factors = from.factors;
    kernel.sums = sums;
    kernel.width = width;
    kernel.add = experts_.pass.host.add_gradients;
    launch(experts_.pass.device, kernel, blocks_for_elements(run.count * width));
  }

  const DeviceBf16Experts& experts_;
  const ExpertShape& shape_;
  const DeviceRows& rows_;
  const std::vector<ExpertRun> runs_;
  Index most_units_ = 0;
  std::int64_t stride_ = 0;
  UnitDropout dropout_;
};

// The gradients of the rows' weights, from what the tiles summed.
void sum_pieces(const DeviceBf16Experts& experts, const DeviceRows& rows,
                const DeviceBf16Gradients& gradients, int columns) {
  SumRowPieces kernel;
  kernel.pieces = experts.pass.room.weight_pieces.data();
  kernel.columns = columns;
  kernel.first_row = rows.first_row;
  kernel.experts = experts.shape.count();
  kernel.sums = gradients.d_weights;
  kernel.d_output = gradients.d_output;
  kernel.bias = experts.pass.parameters.value(experts.weights.down_bias);
  kernel.hidden = experts.shape.hidden;
  launch(experts.pass.device, kernel, blocks_for_rows(rows.most));
}

}  // namespace

void DeviceBf16Experts::forward(const DeviceRows& rows, const Bf16Rows& input,
                                DeviceBf16ExpertCache& cache,
                                const Bf16ExpertOutput& output) const {
  Device& device = pass.device;
  const StackOfRuns stack(*this, rows);
  Bf16* const activated = pass.room.activated.reserve(device, stack.elements());
  const bool keeps = pass.host.training;
  Bf16* const up = keeps ? cache.up.reserve(device, stack.elements()) : nullptr;
  if (shape.gated) {
    ForwardUnits<Bf16, 2> epilogue;
    epilogue.z[0] = keeps ? cache.gate.reserve(device, stack.elements()) : nullptr;
    epilogue.z[1] = up;
    epilogue.activated = activated;
    stack.activate(input, epilogue);
  } else {
    ForwardUnits<Bf16, 1> epilogue;
    epilogue.z[0] = up;
    epilogue.activated = activated;
    stack.activate(input, epilogue);
  }
  stack.into_rows({{activated, weights.down}}, weights.down_bias, output);
}

void DeviceBf16Experts::backward(const DeviceRows& rows, const Bf16Rows& input,
                                 const DeviceBf16Gradients& gradients,
                                 DeviceBf16ExpertCache& cache) const {
  Device& device = pass.device;
  const StackOfRuns stack(*this, rows);
  const bool weighs = gradients.d_weights != nullptr;
  BackwardUnits<Bf16> epilogue;
  // Every thread reads the places that it writes, before it does.
  epilogue.z_gate = epilogue.d_gate = shape.gated ? cache.gate.data() : nullptr;
  epilogue.z_up = epilogue.d_up = cache.up.data();
  epilogue.weight = gradients.weights;
  epilogue.weighted = pass.room.activated.reserve(device, stack.elements());
  epilogue.sum_columns = stack.sum_columns();
  if (weighs) {
    const std::int64_t pieces = rows.most * stack.sum_columns();
    epilogue.weight_sums =
        pass.room.weight_pieces.reserve(device, static_cast<std::size_t>(pieces));
    if (!stack.is_one_run())
      pass.room.weight_pieces.fill_zero();  // experts with fewer units have fewer sums
  }
  stack.turn_back(gradients.d_output, epilogue);
  if (weighs) sum_pieces(*this, rows, gradients, stack.sum_columns());
  stack.into_weights(epilogue.weighted, gradients.d_output, weights.down);
  if (shape.gated) stack.into_weights(epilogue.d_gate, input, weights.gate);
  stack.into_weights(epilogue.d_up, input, weights.up);
  if (shape.bias) {
    if (shape.gated) stack.into_unit_bias(epilogue.d_gate, weights.gate_bias);
    stack.into_unit_bias(epilogue.d_up, weights.up_bias);
    stack.into_row_bias(gradients.d_output, gradients.weights, weights.down_bias);
  }
  const Matrix<float> no_bias;
  if (shape.gated) {
    stack.into_rows({{epilogue.d_gate, weights.gate}, {epilogue.d_up, weights.up}}, no_bias,
                    gradients.d_input);
  } else {
    stack.into_rows({{epilogue.d_up, weights.up}}, no_bias, gradients.d_input);
  }
}

}  // namespace moesim::model::cuda
