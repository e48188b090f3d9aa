// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/history_file.h"

#include <gtest/gtest.h>

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

  TrainingHistory history_;
  std::filesystem::path path_;
};

TEST_F(HistoryFile, EveryBitComesBack) { EXPECT_EQ(read_history(path_, 2), history_); }

TEST_F(HistoryFile, NoStepsAreFine) {
  write_history(path_, {});
  EXPECT_EQ(read_history(path_, 0), TrainingHistory{});
}

TEST_F(HistoryFile, AModelWithoutExpertsIsFine) {
  history_.usage = {{1, 2, {}}};
  write_history(path_, history_);
  EXPECT_EQ(read_history(path_, 2), history_);
}

TEST_F(HistoryFile, AStepBeyondTheCheckpointIsAnError) {
  expect_complaint([&] { read_history(path_, 1); },
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
  expect_complaint([&] { read_history(path_, 2); },
                   {path_.string() + "  tensor \"grad_norm\"", "[1], and [2] is expected", ""});
}

TEST_F(HistoryFile, AnotherFormOfUsageIsAnError) {
  std::vector<Tensor> tensors = read_safetensors(path_).tensors;
  for (Tensor& tensor : tensors) {
    if (tensor.name == "usage_chosen") tensor.shape = {8};
    if (tensor.name == "step") tensor.shape = {2};
  }
  write_safetensors(path_, tensors);
  expect_complaint([&] { read_history(path_, 2); },
                   {path_.string() + "  tensor \"usage_chosen\"", "not [rows, layers", "earlier"});
}

}  // namespace
}  // namespace moesim::model
