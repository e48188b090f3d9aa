// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/optimizer_file.h"

#include <gtest/gtest.h>

#include "model/checkpoint/weights_file.h"
#include "tests/model/checkpoint/scratch_files.h"
#include "tests/model/train/small_training.h"

namespace moesim::model {
namespace {

using moesim::testing::expect_complaint;
using moesim::testing::expect_same_matrices;
using moesim::testing::parameter_of;

class OptimizerFile : public moesim::testing::ScratchFiles {
 protected:
  void SetUp() override {
    ScratchFiles::SetUp();
    training_.bf16_weights = true;
    parameters_ = {parameter_of(values_)};
    state_ = fresh_optimizer(training_, parameters_);
    state_.momentum[0] << 0.1F, -0.2F;
    state_.variance[0] << 0.01F, 1e-30F;
    path_ = folder_ / "optimizer.safetensors";
  }

  void expect_refused(const std::string& tensor, const std::string& what) const {
    expect_complaint([&] { read_optimizer(path_, training_, parameters_); },
                     {path_.string() + "  tensor \"" + tensor + "\"", what, ""});
  }

  TrainingConfig training_;
  Matrix<float> values_{{1, 2}};
  std::vector<Parameter<float>> parameters_;
  OptimizerState state_;
  std::filesystem::path path_;
};

TEST_F(OptimizerFile, AllArraysComeBack) {
  write_optimizer(path_, state_, parameters_);
  const OptimizerState read = read_optimizer(path_, training_, parameters_);
  expect_same_matrices(state_.momentum, read.momentum);
  expect_same_matrices(state_.variance, read.variance);
  expect_same_matrices(state_.masters, read.masters);
}

TEST_F(OptimizerFile, SgdHasMomentumAlone) {
  training_.optimizer = OptimizerType::sgd;
  training_.bf16_weights = false;
  state_ = fresh_optimizer(training_, parameters_);
  write_optimizer(path_, state_, parameters_);
  EXPECT_EQ(read_safetensors_index(path_).tensors.size(), 1U);
  EXPECT_EQ(read_optimizer(path_, training_, parameters_).momentum.size(), 1U);
}

TEST_F(OptimizerFile, AnotherOptimizersStateIsAnError) {
  state_.masters.clear();
  write_optimizer(path_, state_, parameters_);
  expect_refused("masters.matrix", "it is missing");
  training_.bf16_weights = false;
  training_.optimizer = OptimizerType::sgd;
  expect_refused("variance.matrix", "no such parameter");
}

TEST_F(OptimizerFile, ANegativeSecondMomentIsAnError) {
  state_.variance[0](0, 1) = -1e-30F;
  write_optimizer(path_, state_, parameters_);
  expect_refused("variance.matrix", "a second moment is negative");
}

}  // namespace
}  // namespace moesim::model
