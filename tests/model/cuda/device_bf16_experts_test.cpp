// SPDX-License-Identifier: Apache-2.0
// The processor's experts in double precision, on operands rounded to bf16, are the reference:
// equal where every value is a small integer, else within the rounding of bf16 (2^-9 of each stored
// value, a few of them one after another: 4e-3 in the norm). What is not written shows as NaN.
#include "model/cuda/device_bf16_experts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "model/layers/transformer_block.h"
#include "tests/support/device_model.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::DeviceCopy;
using moesim::testing::DeviceModel;
using moesim::testing::on_each_device;
using moesim::testing::OwnedPass;
using moesim::testing::small_model;

constexpr double kTolerance = 4e-3;

struct Bf16Case {
  std::vector<Index> rows;  // of each expert
  std::vector<int> units;
  Index hidden = 8;
  bool gated = true;
  bool bias = false;
  bool adds = false;
  bool integers = false;  // -1 to 1, with relu: sums and what is rounded stay below 257
  double dropout = 0;
};

float nearest(float value) { return to_float(to_bf16(value)); }

// Experts on a device and on the processor, on tokens' rows that both gather.
class Bf16ExpertsOnBoth {
 public:
  Bf16ExpertsOnBoth(Device& device, const Bf16Case& one)
      : one_(one), rng_(1, "values"), model_(device, config_of(one), one.adds) {
    shape_ = block_shape(model_.config, 0).moe.experts;
    for (const Index rows : one.rows) first_row_.push_back(first_row_.back() + rows);
    rows_ = first_row_.back();
    for (Index r = 0; r < rows_; ++r) {
      source_.push_back(static_cast<std::int32_t>(rng_.below(kTokens)));
    }
    if (one.integers) {
      for (const Parameter<float>& parameter : parameters(model_.weights)) fill(*parameter.matrix);
      model_.parameters.upload();
    }
    device.use_products(ProductMode::bf16);
    model_.parameters.round();
    ExpertWeights<float>& weights = model_.weights.blocks[0].moe.experts;
    for (Matrix<float>* const matrix : {&weights.gate, &weights.up, &weights.down}) {
      *matrix = matrix->unaryExpr(&nearest);  // what the copies in bf16 hold
    }
    for_each_matrix(weights, weights_, [](const Matrix<float>& from, Matrix<double>& to) {
      to = from.cast<double>();
    });
    for_each_matrix(weights, gradient_, [&](const Matrix<float>& from, Matrix<double>& to) {
      to = Matrix<double>::Constant(from.rows(), from.cols(), one.adds ? 0.5 : 0);
    });
  }

  void expect_near() {
    const Index hidden = shape_.hidden;
    const Matrix<float> tokens = drawn(kTokens, hidden);
    const Matrix<float> d_tokens = drawn(kTokens, hidden);
    Matrix<float> row_weights = drawn(1, rows_);
    compute_reference(tokens, d_tokens, row_weights);
    Device& device = model_.device;
    const std::vector<std::int32_t> first(first_row_.begin(), first_row_.end());
    const Buffer<std::int32_t> on_first_row = uploaded(device, first);
    const Buffer<std::int32_t> on_source = uploaded(device, source_);
    const DeviceCopy on_tokens(device, tokens);
    const DeviceCopy on_d_tokens(device, d_tokens);
    const DeviceCopy on_row_weights(device, row_weights);
    const DeviceCopy on_output(device, rows_, hidden);
    const DeviceCopy on_d_input(device, rows_, hidden);
    const DeviceCopy on_d_weights(device, 1, rows_);
    // Room for more rows than there are, as routing has it.
    const DeviceRows rows{on_first_row.data(), rows_ + 37};
    Bf16Room& room = model_.room;
    const std::int64_t elements = kTokens * hidden;
    const Bf16Rows input{rounded_rows(model_.pass, on_tokens.data(), elements, room.a),
                         on_source.data()};
    DeviceBf16Gradients gradients;
    gradients.d_output = {rounded_rows(model_.pass, on_d_tokens.data(), elements, room.b),
                          on_source.data()};
    gradients.d_input.floats = on_d_input.data();
    gradients.weights = on_row_weights.data();
    gradients.d_weights = on_d_weights.data();
    Bf16ExpertOutput output;
    output.floats = on_output.data();
    DeviceBf16ExpertCache cache;
    const DeviceBf16Experts experts{model_.weights.blocks[0].moe.experts, shape_, model_.pass};
    experts.forward(rows, input, cache, output);
    experts.backward(rows, input, gradients, cache);
    expect_near("output", on_output.matrix(), output_);
    expect_near("d_input", on_d_input.matrix(), d_input_);
    expect_near("d_weights", on_d_weights.matrix(), d_weights_);
    int which = 0;
    for_each_matrix(model_.weights.blocks[0].moe.experts, gradient_,
                    [&](const Matrix<float>& weight, const Matrix<double>& expected) {
                      Matrix<float> actual(weight.rows(), weight.cols());
                      if (weight.size() == 0) return;
                      device.download(model_.parameters.gradient(weight), actual.data(),
                                      static_cast<std::size_t>(actual.size()) * sizeof(float));
                      expect_near("gradient " + std::to_string(which++), actual, expected);
                    });
  }

 private:
  static constexpr Index kTokens = 50;

  static MoeGptConfig config_of(const Bf16Case& one) {
    MoeGptConfig config = small_model();
    config.hidden_size = static_cast<int>(one.hidden);
    config.router.num_experts = static_cast<int>(one.rows.size());
    config.router.top_k = 1;
    config.expert_intermediate_sizes = one.units;
    config.gated = one.gated;
    config.mlp_bias = one.bias;
    config.expert_dropout = one.dropout;
    config.hidden_act = one.integers ? Activation::relu : Activation::silu;
    return config;
  }
  static Buffer<std::int32_t> uploaded(Device& device, const std::vector<std::int32_t>& values) {
    Buffer<std::int32_t> buffer;
    buffer.upload(device, values);
    return buffer;
  }

  void fill(Matrix<float>& matrix) {
    for (Index i = 0; i < matrix.size(); ++i) {
      matrix.data()[i] = one_.integers ? static_cast<float>(rng_.below(3)) - 1.0F
                                       : nearest(static_cast<float>(rng_.normal()));
    }
  }
  Matrix<float> drawn(Index rows, Index columns) {
    Matrix<float> matrix(rows, columns);
    fill(matrix);
    return matrix;
  }
  Matrix<double> gathered(const Matrix<float>& tokens) const {
    Matrix<double> rows(rows_, tokens.cols());
    for (Index r = 0; r < rows_; ++r) {
      rows.row(r) = tokens.row(source_[static_cast<std::size_t>(r)]).cast<double>();
    }
    return rows;
  }
  void compute_reference(const Matrix<float>& tokens, const Matrix<float>& d_tokens,
                         const Matrix<float>& row_weights) {
    const OwnedPass<double> owned;
    const Pass<double> pass{*owned.backend, owned.pass.threads, true, model_.processor.seed,
                            one_.adds};
    const Matrix<double> weights = row_weights.cast<double>();
    const Matrix<double> input = gathered(tokens);
    d_weights_.resize(1, rows_);
    ExpertCache<double> cache;
    const Experts<double> experts{weights_, shape_, pass};
    experts.forward(first_row_, input, cache, output_);
    experts.backward(input,
                     {.d_output = gathered(d_tokens),
                      .d_input = d_input_,
                      .weights = weights.data(),
                      .d_weights = d_weights_.data()},
                     cache, gradient_);
  }
  void expect_near(const std::string& what, const Matrix<float>& actual,
                   const Matrix<double>& expected) const {
    if (one_.integers) {
      EXPECT_EQ(actual.cast<double>(), expected) << what;
    } else {
      EXPECT_LE((actual.cast<double>() - expected).norm(), kTolerance * expected.norm()) << what;
    }
  }

  Bf16Case one_;
  base::Rng rng_;
  DeviceModel model_;
  ExpertShape shape_;
  std::vector<Index> first_row_ = {0};
  Index rows_ = 0;
  std::vector<std::int32_t> source_;
  ExpertWeights<double> weights_;
  ExpertWeights<double> gradient_;
  Matrix<double> output_;
  Matrix<double> d_input_;
  Matrix<double> d_weights_;
};

// |z| is at most 8 + 1, |f(gate) up| 81, and 9 times 9 the gradient of either.
TEST(DeviceBf16Experts, AreExactOnIntegersWithAnyNumberOfRows) {
  on_each_device([](Device& device) {
    for (const bool gated : {false, true}) {
      const Bf16Case one{.rows = {0, 1, 63, 64, 65, 127, 128, 129},
                         .units = {20, 20, 20, 20, 20, 20, 20, 20},
                         .gated = gated,
                         .bias = gated,
                         .integers = true};
      Bf16ExpertsOnBoth(device, one).expect_near();
    }
  });
}

// The gradient of experts without rows is written: as zero.
TEST(DeviceBf16Experts, GiveAllRowsToOneExpertOrToNone) {
  on_each_device([](Device& device) {
    const std::vector<int> units(4, 8);
    Bf16ExpertsOnBoth(device, {.rows = {0, 0, 150, 0}, .units = units, .bias = true}).expect_near();
    Bf16ExpertsOnBoth(device, {.rows = {0, 0, 0, 0}, .units = units, .bias = true}).expect_near();
  });
}

// 512 experts are a launch (kMostGroupedExperts).
TEST(DeviceBf16Experts, AreAsManyAsOneLikes) {
  on_each_device([](Device& device) {
    Bf16Case one{
        .rows = std::vector<Index>(513, 0), .units = std::vector<int>(513, 1), .integers = true};
    one.rows[0] = 2;
    one.rows[511] = 3;
    one.rows[512] = 4;
    Bf16ExpertsOnBoth(device, one).expect_near();
  });
}

// Experts side by side with as many units are one product; with dropout, where the factors are the
// processor's, and on top of a gradient.
TEST(DeviceBf16Experts, AreNearDoublePrecision) {
  on_each_device([](Device& device) {
    Bf16Case one{.rows = {30, 7, 0, 70}, .units = {36, 36, 36, 36}, .hidden = 72, .dropout = 0.2};
    Bf16ExpertsOnBoth(device, one).expect_near();
    one.gated = false;
    one.bias = true;
    one.adds = true;
    Bf16ExpertsOnBoth(device, one).expect_near();
    one = {.rows = {30, 7, 5, 70}, .units = {3, 130, 130, 1}, .hidden = 72, .bias = true};
    Bf16ExpertsOnBoth(device, one).expect_near();
  });
}

}  // namespace
}  // namespace moesim::model::cuda
