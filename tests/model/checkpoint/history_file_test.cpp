// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/history_file.h"

#include <gtest/gtest.h>

#include <utility>

#include "model/checkpoint/safetensors.h"
#include "tests/model/checkpoint/scratch_files.h"

namespace moesim::model {
namespace {

using moesim::testing::expect_complaint;

class HistoryFile : public moesim::testing::ScratchFiles {
 protected:
  void SetUp() override {
    ScratchFiles::SetUp();
    path_ = folder_ / "history.safetensors";
    history_.steps = {{1, 5.1, 0.01, 2.5, 1e-3, 128}, {2, 0.1 + 0.2, 0, 1, 2e-3, 256}};
    history_.validations = {{2, 3.3}};
    const std::vector<LayerUsage> usage = {{128, {1, 255}, {1, 100}, {0.5, 127.5}},
                                           {128, {128, 128}, {128, 128}, {64, 64}}};
    record_usage(1, 1, usage, history_);
    record_usage(2, 1, usage, history_);
    write_history(path_, history_);
  }

  TrainingHistory read(int last_step) const { return read_history(path_, model_, last_step); }

  // Two MoE layers of two experts, as the usage is.
  static MoeGptConfig two_experts() {
    MoeGptConfig model;
    model.num_hidden_layers = 2;
    model.router.num_experts = 2;
    return model;
  }

  void expect_refused(const std::string& tensor, const std::string& what) {
    write_history(path_, history_);
    expect_complaint([&] { read(2); },
                     {path_.string() + "  tensor \"" + tensor + "\"", what, "earlier"});
  }

  MoeGptConfig model_ = two_experts();
  TrainingHistory history_;
  std::filesystem::path path_;
};

TEST_F(HistoryFile, EveryBitComesBack) { EXPECT_EQ(read(2), history_); }

TEST_F(HistoryFile, NoStepsAreFine) {
  write_history(path_, {});
  EXPECT_EQ(read(0), TrainingHistory{});
}

TEST_F(HistoryFile, AModelWithoutExpertsIsFine) {
  history_.usage = {{1, 2, {}}};
  model_.use_moe = false;
  write_history(path_, history_);
  EXPECT_EQ(read(2), history_);
}

TEST_F(HistoryFile, AStepBeyondTheCheckpointIsAnError) {
  expect_complaint([&] { read(1); },
                   {path_.string() + "  tensor \"step\"", "step 2 is not one of", "earlier"});
}

TEST_F(HistoryFile, ColumnsOfUnequalLengthAreAnError) {
  std::vector<Tensor> tensors = read_safetensors(path_).tensors;
  for (Tensor& tensor : tensors) {
    if (tensor.name != "grad_norm") continue;
    tensor.shape = {1};
    tensor.bytes.resize(8);
  }
  write_safetensors(path_, tensors);
  expect_complaint([&] { read(2); },
                   {path_.string() + "  tensor \"grad_norm\"", "[1], and [2] is expected", ""});
}

TEST_F(HistoryFile, AnotherFormOfUsageIsAnError) {
  std::vector<Tensor> tensors = read_safetensors(path_).tensors;
  for (Tensor& tensor : tensors) {
    if (tensor.name == "usage_chosen") tensor.shape = {8};
    if (tensor.name == "step") tensor.shape = {2};
  }
  write_safetensors(path_, tensors);
  expect_complaint([&] { read(2); },
                   {path_.string() + "  tensor \"usage_chosen\"", "not [rows, layers", "earlier"});
}

TEST_F(HistoryFile, StepsThatAreNotOneAfterAnotherAreAnError) {
  history_.steps[0].step = 2;
  expect_refused("step", "step 2 is where 1 should be");
  history_.steps = {history_.steps[1]};
  history_.steps[0].step = 1;
  expect_refused("step", "it has 1 steps, and the checkpoint 2");
}

TEST_F(HistoryFile, UsageOfAnotherModelIsAnError) {
  model_.router.num_experts = 3;
  expect_refused("usage_chosen", "2 experts in each of 2 layers, and the model has 3 in 2");
  model_ = two_experts();
  model_.num_hidden_layers = 3;
  expect_refused("usage_chosen", "2 experts in each of 2 layers, and the model has 2 in 3");
  model_.use_moe = false;
  expect_refused("usage_chosen", "2 experts in each of 2 layers, and the model has 0 in 0");
}

TEST_F(HistoryFile, RowsOfUsageOutOfOrderAreAnError) {
  std::swap(history_.usage[0], history_.usage[1]);
  expect_refused("usage_first_step", "steps 1 to 1 do not follow step 2");
  history_.usage = {{2, 1, history_.usage[0].layers}};
  expect_refused("usage_first_step", "steps 2 to 1 do not follow step 0");
}

TEST_F(HistoryFile, CountsThatCannotBeAreAnError) {
  history_.usage[0].layers[1].kept[0] = -1;
  expect_refused("usage_kept", "-1 is no count");
  history_.steps[1].tokens = std::int64_t{1} << 54;
  expect_refused("tokens", "18014398509481984 is no count");
}

}  // namespace
}  // namespace moesim::model
