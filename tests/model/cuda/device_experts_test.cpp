// SPDX-License-Identifier: Apache-2.0
// The processor's experts are the reference, bit for bit; what is not written shows as NaN.
#include "model/cuda/device_experts.h"

#include <gtest/gtest.h>

#include "model/layers/transformer_block.h"
#include "tests/support/device_model.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::DeviceCopy;
using moesim::testing::DeviceModel;
using moesim::testing::on_each_device;
using moesim::testing::random_matrix;
using moesim::testing::small_model;

struct ExpertCase {
  std::vector<Index> rows;  // of each expert
  std::vector<int> units;
  bool gated = true;
  bool bias = false;
  bool adds = false;
};

// The experts of the first layer of a model, with that many rows each.
class ExpertsOnBoth {
 public:
  ExpertsOnBoth(Device& device, const ExpertCase& one)
      : one_(one), model_(device, config_of(one), one.adds) {
    shape_ = block_shape(model_.config, 0).moe.experts;
    for (const Index rows : one.rows) first_row_.push_back(first_row_.back() + rows);
    rows_ = first_row_.back();
    const std::vector<std::int32_t> first(first_row_.begin(), first_row_.end());
    on_first_row_.upload(device, first);
  }

  void expect_same() {
    base::Rng rng(1, "rows");
    const Index hidden = shape_.hidden;
    const Matrix<float> input = random_matrix<float>(rows_, hidden, rng);
    const Matrix<float> d_output = random_matrix<float>(rows_, hidden, rng);
    const Matrix<float> row_weights = random_matrix<float>(1, rows_, rng);
    Matrix<float> output;
    Matrix<float> d_input;
    Matrix<float> d_weights(1, rows_);
    ExpertCache<float> cache;
    const Experts<float> processor{weights(), shape_, model_.processor};
    processor.forward(first_row_, input, cache, output);
    processor.backward(input,
                       {.d_output = d_output,
                        .d_input = d_input,
                        .weights = row_weights.data(),
                        .d_weights = d_weights.data()},
                       cache, model_.gradient.blocks[0].moe.experts);
    // Room for more rows than there are, as routing has it.
    Device& device = model_.device;
    const DeviceRows rows{on_first_row_.data(), rows_ + 37};
    const DeviceCopy on_input(device, input);
    const DeviceCopy on_d_output(device, d_output);
    const DeviceCopy on_row_weights(device, row_weights);
    const DeviceCopy on_output(device, rows_, hidden);
    const DeviceCopy on_d_input(device, rows_, hidden);
    const DeviceCopy on_d_weights(device, 1, rows_);
    DeviceExpertCache on_cache;
    const DeviceExperts experts{weights(), shape_, model_.pass};
    experts.forward(rows, on_input.data(), on_cache, on_output.data());
    experts.backward(
        rows, on_input.data(),
        {on_d_output.data(), on_d_input.data(), false, on_row_weights.data(), on_d_weights.data()},
        on_cache);
    EXPECT_EQ(on_output.matrix(), output);
    EXPECT_EQ(on_d_input.matrix(), d_input);
    EXPECT_EQ(on_d_weights.matrix(), d_weights);
    for_each_matrix(weights(), model_.gradient.blocks[0].moe.experts,
                    [&](const Matrix<float>& weight, const Matrix<float>& gradient) {
                      model_.expect_same_gradient(weight, gradient);
                    });
  }

 private:
  static MoeGptConfig config_of(const ExpertCase& one) {
    MoeGptConfig config = small_model();
    config.hidden_size = 68;
    config.router.num_experts = static_cast<int>(one.rows.size());
    config.router.top_k = 1;
    config.expert_intermediate_sizes = one.units;
    config.gated = one.gated;
    config.mlp_bias = one.bias;
    config.expert_dropout = 0.2;
    return config;
  }
  const ExpertWeights<float>& weights() const { return model_.weights.blocks[0].moe.experts; }

  ExpertCase one_;
  DeviceModel model_;
  ExpertShape shape_;
  std::vector<Index> first_row_ = {0};
  Index rows_ = 0;
  Buffer<std::int32_t> on_first_row_;
};

TEST(DeviceExperts, TakesAnyNumberOfRows) {
  on_each_device([](Device& device) {
    for (const bool bias : {false, true}) {
      const ExpertCase one{.rows = {0, 1, 63, 64, 65, 127, 128, 129},
                           .units = {5, 5, 5, 5, 5, 5, 5, 5},
                           .gated = !bias,
                           .bias = bias};
      ExpertsOnBoth(device, one).expect_same();
    }
  });
}

TEST(DeviceExperts, TakesAnyNumberOfUnits) {
  on_each_device([](Device& device) {
    for (const bool gated : {false, true}) {
      const ExpertCase one{.rows = {3, 3, 3, 0, 3, 3, 3},
                           .units = {1, 63, 64, 65, 127, 128, 129},
                           .gated = gated,
                           .bias = true,
                           .adds = true};
      ExpertsOnBoth(device, one).expect_same();
    }
  });
}

// The gradient of experts without rows is written: as zero.
TEST(DeviceExperts, GivesAllRowsToOneExpert) {
  on_each_device([](Device& device) {
    ExpertsOnBoth(device, {.rows = {0, 0, 150, 0}, .units = {8, 8, 8, 8}}).expect_same();
    ExpertsOnBoth(device, {.rows = {0, 0, 0, 0}, .units = {8, 8, 8, 8}}).expect_same();
  });
}

}  // namespace
}  // namespace moesim::model::cuda
