// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/weights_file.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/rng.h"
#include "tests/model/checkpoint/scratch_files.h"
#include "tests/model/train/small_training.h"

namespace moesim::model {
namespace {

using moesim::testing::expect_complaint;
using moesim::testing::expect_same_weights;
using moesim::testing::small_trained_model;

class WeightsFile : public moesim::testing::ScratchFiles {
 protected:
  void SetUp() override {
    ScratchFiles::SetUp();
    config_.tie_word_embeddings = false;
    config_.first_k_dense_replace = 1;
    config_.mlp_bias = true;
    config_.n_shared_experts = 1;
    config_.router.score_function = ScoreFunction::sigmoid;
    config_.router.balance.bias_update_rate = 0.01;
    base::Rng rng(1, "weights");
    weights_ = random_moe_gpt<float>(config_, rng);
    path_ = folder_ / "model.safetensors";
    write_weights(path_, weights_);
  }

  // The file with one thing changed.
  std::vector<Tensor> tensors() const { return read_safetensors(path_).tensors; }
  void expect_refused(const std::vector<Tensor>& tensors, const std::string& tensor,
                      const std::string& what, const std::string& hint) const {
    write_safetensors(path_, tensors);
    expect_complaint([&] { read_weights(path_, config_); },
                     {path_.string() + "  tensor \"" + tensor + "\"", what, hint});
  }

  MoeGptConfig config_ = small_trained_model();
  MoeGptWeights<float> weights_;
  std::filesystem::path path_;
};

TEST_F(WeightsFile, WeightsComeBackBitForBit) {
  expect_same_weights(weights_, read_weights(path_, config_));
}

TEST_F(WeightsFile, Bfloat16WeightsComeBackAsRounded) {
  write_weights(path_, weights_, true);
  round_weights(parameters(weights_));
  expect_same_weights(weights_, read_weights(path_, config_));
  // The selection bias is not rounded: it moves by steps of its own.
  const SafetensorsIndex index = read_safetensors_index(path_);
  EXPECT_EQ(index.find("blocks.1.moe.router.selection_bias")->dtype, Dtype::f32);
  EXPECT_EQ(index.find("blocks.1.moe.router.gate")->dtype, Dtype::bf16);
}

TEST_F(WeightsFile, AMissingParameterIsAnError) {
  std::vector<Tensor> changed = tensors();
  std::erase_if(changed, [](const Tensor& t) { return t.name == "blocks.1.moe.experts.down"; });
  expect_refused(changed, "blocks.1.moe.experts.down", "it is missing", "configuration");
}

TEST_F(WeightsFile, AnUnknownParameterIsAnError) {
  std::vector<Tensor> changed = tensors();
  changed.push_back(changed.front());
  changed.back().name = "blocks.7.extra";
  expect_refused(changed, "blocks.7.extra", "no such parameter", "configuration");
}

TEST_F(WeightsFile, AnotherShapeIsAnError) {
  std::vector<Tensor> changed = tensors();
  for (Tensor& tensor : changed) {
    if (tensor.name == "blocks.1.moe.router.gate") tensor.shape = {16, 8};
  }
  expect_refused(changed, "blocks.1.moe.router.gate", "[16, 8], and [8, 16] is expected",
                 "configuration");
}

TEST_F(WeightsFile, AnotherNumberFormatIsAnError) {
  std::vector<Tensor> changed = tensors();
  for (Tensor& tensor : changed) {
    if (tensor.name == "head") tensor.dtype = Dtype::i32;
  }
  expect_refused(changed, "head", "its numbers are I32", "convert");
}

TEST_F(WeightsFile, WhatIsNotANumberIsAnError) {
  weights_.final_norm.gain(0, 3) = std::numeric_limits<float>::quiet_NaN();
  write_weights(path_, weights_);
  expect_refused(tensors(), "final_norm.gain", "value 3 is not a number", "earlier");
}

TEST_F(WeightsFile, AModelOfAnotherDepthIsAnError) {
  MoeGptConfig deeper = config_;
  deeper.num_hidden_layers = 3;
  expect_complaint(
      [&] { read_weights(path_, deeper); },
      {path_.string() + "  tensor \"blocks.2.attention_norm.gain\"", "missing", "configuration"});
  MoeGptConfig shallower = config_;
  shallower.num_hidden_layers = 1;
  shallower.first_k_dense_replace = 0;
  expect_complaint([&] { read_weights(path_, shallower); }, {path_.string(), "", "configuration"});
}

// A configuration of terabytes is refused before anything is allocated for it.
TEST_F(WeightsFile, AGiantConfigurationIsAnError) {
  MoeGptConfig giant = config_;
  giant.hidden_size = 65536;
  giant.num_hidden_layers = 500;
  giant.moe_intermediate_size = 65536;
  expect_complaint([&] { read_weights(path_, giant); },
                   {path_.string(), "fewer numbers than a model", "configuration"});
}

}  // namespace
}  // namespace moesim::model
