// SPDX-License-Identifier: Apache-2.0
#include "model/trained_gpt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/json_value.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/safetensors.h"
#include "model/layers/generation.h"
#include "model/train/text_parts.h"
#include "model/train/training_run.h"
#include "tests/model/checkpoint/scratch_files.h"
#include "tests/support/numerics.h"
#include "tests/support/words_text.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

using moesim::testing::expect_complaint;
using moesim::testing::OwnedPass;
using moesim::testing::words_text;

constexpr int kSteps = 20;
constexpr int kWindow = 16;
constexpr int kHidden = 8;
constexpr int kExperts = 4;

// A dense block, then two with experts.
TrainingRunConfig small_run() {
  TrainingRunConfig run;
  run.model.num_hidden_layers = 3;
  run.model.first_k_dense_replace = 1;
  run.model.hidden_size = kHidden;
  run.model.num_attention_heads = 2;
  run.model.seq_length = kWindow;
  run.model.intermediate_size = 8;
  run.model.moe_intermediate_size = 4;
  run.model.router.num_experts = kExperts;
  run.model.router.top_k = 2;
  run.training.steps = kSteps;
  run.training.learning_rate = 2e-2;
  return run;
}

class TrainedGptFolder : public moesim::testing::ScratchFiles {
 protected:
  void SetUp() override {
    ScratchFiles::SetUp();
    run_training(small_run(), text_, {folder_ / "run", 1, false, {}, {}});
  }

  TrainedGpt trained(int threads = 1) const { return {folder_ / "run", threads}; }
  MoeGptWeights<float> weights() const { return load_trained_model(folder_ / "run").weights; }

  std::vector<std::uint8_t> text_ = words_text(400);
};

std::string written(const TrainedGpt& gpt, const GenerationConfig& generation) {
  std::string text;
  gpt.write_on("expert ", generation, [&](char byte) { text += byte; });
  return text;
}

TEST_F(TrainedGptFolder, OpensARunItsCheckpointsAndACheckpoint) {
  for (const fs::path path : {"run", "run/checkpoints", "run/checkpoints/step_00000020"}) {
    const TrainedGpt gpt(folder_ / path, 1);
    EXPECT_EQ(gpt.config(), small_run().model) << path;
    EXPECT_EQ(gpt.steps(), kSteps) << path;
  }
}

// More bytes than a window, so that it begins anew on the way.
TEST_F(TrainedGptFolder, WritesAsManyBytesAsAsked) {
  const TrainedGpt gpt = trained();
  const std::string most = written(gpt, {.max_new_bytes = 40});
  EXPECT_EQ(most.size(), 40U);
  EXPECT_EQ(written(gpt, {.max_new_bytes = 0}), "");
  EXPECT_EQ(written(gpt, {.max_new_bytes = 7}), most.substr(0, 7));
}

TEST_F(TrainedGptFolder, WritesWhatTheSeedSays) {
  const TrainedGpt gpt = trained();
  const GenerationConfig generation{.max_new_bytes = 40, .seed = 1};
  const std::string text = written(gpt, generation);
  EXPECT_EQ(written(gpt, generation), text) << "a call leaves nothing behind";
  EXPECT_EQ(written(trained(2), generation), text) << "threads change nothing";
  EXPECT_NE(written(gpt, {.max_new_bytes = 40, .seed = 2}), text);
  const GenerationConfig likeliest{.max_new_bytes = 40, .temperature = 0, .seed = 1};
  const GenerationConfig other_seed{.max_new_bytes = 40, .temperature = 0, .seed = 2};
  EXPECT_EQ(written(gpt, likeliest), written(gpt, other_seed)) << "nothing is drawn";
}

TEST_F(TrainedGptFolder, WritesWhatAGeneratorDoes) {
  const GenerationConfig generation{.max_new_bytes = 30, .temperature = 0.8, .seed = 3};
  const MoeGptConfig config = small_run().model;
  const MoeGptWeights<float> read = weights();
  const OwnedPass<float> owned;
  base::Rng rng(3, "generation");
  const std::string prompt = "expert ";
  const std::vector<std::uint8_t> bytes = Generator<float>{read, config, owned.pass}.run(
      generation, std::vector<std::uint8_t>(prompt.begin(), prompt.end()), rng);
  EXPECT_EQ(written(trained(), generation), std::string(bytes.begin(), bytes.end()));
}

// 11 windows are a pass of 8 and one of 3. Without a capacity a token's result does not depend on
// others, so that the mean loss is that of all windows in one pass, to rounding in float.
TEST_F(TrainedGptFolder, JudgesAsThePassOverAllWindows) {
  const MoeGptConfig config = small_run().model;
  const MoeGptWeights<float> read = weights();
  const ByteBatch batch = spread_windows(text_, 11, kWindow);
  ASSERT_EQ(batch.inputs.size(), 11U * kWindow);
  const OwnedPass<float> owned;
  MoeGptCache<float> cache;
  const MoeGptLoss loss =
      moe_gpt_loss<float>(read, config, owned.pass, {batch.inputs, batch.targets}, cache);
  const TextJudgement judgement = trained().judge(text_, 11);
  EXPECT_NEAR(judgement.loss, loss.cross_entropy, 1e-6 * loss.cross_entropy);
  EXPECT_LT(judgement.loss, 0.8 * std::log(256.0)) << "the weights are trained ones";
  EXPECT_EQ(trained(2).judge(text_, 11).loss, judgement.loss) << "threads change nothing";
}

TEST_F(TrainedGptFolder, JudgesWithARoutingForEachPassAndMoeLayer) {
  const MoeGptConfig config = small_run().model;
  const MoeGptWeights<float> read = weights();
  const ByteBatch batch = spread_windows(text_, 11, kWindow);
  const OwnedPass<float> owned;
  const std::vector<RoutingBatch> all = route_bytes<float>(read, config, owned.pass, batch.inputs);
  const TextJudgement judgement = trained().judge(text_, 11);
  ASSERT_EQ(judgement.routing.size(), 4U) << "two passes of two MoE layers";
  for (int layer = 0; layer < 2; ++layer) {
    const RoutingBatch& first = judgement.routing[layer];
    const RoutingBatch& second = judgement.routing[2 + layer];
    EXPECT_EQ(first.tokens, 8 * kWindow);
    EXPECT_EQ(second.tokens, 3 * kWindow);
    std::vector<std::int32_t> experts = first.experts;
    experts.insert(experts.end(), second.experts.begin(), second.experts.end());
    EXPECT_EQ(experts, all[layer].experts) << "MoE layer " << layer;
  }
  EXPECT_NE(judgement.routing[0].experts, judgement.routing[1].experts);
  EXPECT_EQ(trained().judge(text_, 3).routing.size(), 2U);
}

// The text is longer than a window: its first 16 bytes count.
TEST_F(TrainedGptFolder, CapturesALayerAsJson) {
  const std::string text = trained().capture_text("the gate routes every token", 2);
  EXPECT_EQ(text.back(), '\n');
  const base::JsonValue json = base::parse_json(text, "capture");
  std::vector<std::string> keys;
  for (const base::JsonMember& member : json.members) keys.push_back(member.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"layer", "gate_scores", "top_k_scores", "top_k_indices",
                                            "kept", "expert_outputs", "final_output",
                                            "load_balance_loss", "balance_terms"}));
  EXPECT_EQ(json.find("layer")->number, 2);
  const auto expect_rows = [&](const char* key, std::size_t columns) {
    const std::vector<base::JsonValue>& rows = json.find(key)->items;
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(kWindow)) << key;
    for (const base::JsonValue& row : rows) EXPECT_EQ(row.items.size(), columns) << key;
  };
  expect_rows("gate_scores", kExperts);
  expect_rows("top_k_scores", 2);
  expect_rows("top_k_indices", 2);
  expect_rows("kept", 2);
  expect_rows("final_output", kHidden);
  EXPECT_EQ(json.find("expert_outputs")->items.size(), static_cast<std::size_t>(kExperts));
  EXPECT_EQ(trained().capture_text("the gate routes ", 2), text);
  EXPECT_NE(trained().capture_text("the gate routes ", 1), text);
}

TEST_F(TrainedGptFolder, CapturesALayerAsTensors) {
  const fs::path path = folder_ / "layer.safetensors";
  const TrainedGpt gpt = trained();
  gpt.write_capture_tensors(path, "token", 1);
  const SafetensorsFile file = read_safetensors(path);
  EXPECT_EQ(file.metadata.at("layer"), "1");
  const Tensor* const scores = file.find("gate_scores");
  ASSERT_NE(scores, nullptr);
  EXPECT_EQ(scores->shape, (std::vector<std::int64_t>{5, kExperts}));
  const base::JsonValue json = base::parse_json(gpt.capture_text("token", 1), "capture");
  const double score = json.find("gate_scores")->items[4].items[3].number;
  EXPECT_EQ(to_floats(*scores)[4 * kExperts + 3], static_cast<float>(score));
}

TEST_F(TrainedGptFolder, ALayerWithoutExpertsIsAnError) {
  const TrainedGpt gpt = trained();
  const fs::path path = folder_ / "layer.safetensors";
  for (const int layer : {-1, 0, 3}) {
    const std::string what = std::to_string(layer) + " is not a MoE layer";
    expect_complaint([&] { gpt.capture_text("token", layer); }, {"layer", what, "from 0 to 2"});
    expect_complaint([&] { gpt.write_capture_tensors(path, "token", layer); },
                     {"layer", what, "from 0 to 2"});
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(TrainedGptFolder, WhatHoldsNoCheckpointIsAnErrorThatNamesIt) {
  const auto open = [&](const fs::path& path) { const TrainedGpt gpt(path, 1); };
  const fs::path missing = folder_ / "missing";
  expect_complaint([&] { open(missing); },
                   {missing.string(), "no such folder", "that a training run wrote"});
  const fs::path empty = folder_ / "empty";
  fs::create_directory(empty);
  expect_complaint([&] { open(empty); }, {empty.string(), "no checkpoint", "training run"});
  const fs::path file = write("file", "x");
  expect_complaint([&] { open(file); }, {file.string(), "a file, not a folder", "training run"});
}

TEST_F(TrainedGptFolder, ATensorFileThatCannotBeWrittenIsAnError) {
  const fs::path path = folder_ / "missing" / "layer.safetensors";
  expect_complaint([&] { trained().write_capture_tensors(path, "token", 1); },
                   {path.string(), "cannot be written", ""});
}

}  // namespace
}  // namespace moesim::model
