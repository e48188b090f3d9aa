// SPDX-License-Identifier: Apache-2.0
#include "model/capture/moe_layer_capture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "base/error.h"
#include "model/checkpoint/safetensors.h"
#include "tests/model/layers/small_model.h"
#include "tests/support/numerics.h"

namespace moesim::model {
namespace {

using testing::OwnedPass;
using testing::random_bytes;
using testing::shaken_weights;

MoeGptConfig captured_model() {
  MoeGptConfig config = testing::small_model();
  config.num_hidden_layers = 3;
  config.first_k_dense_replace = 1;
  config.router.capacity_factor = 0.6;
  config.router.balance.z_loss_coef = 1e-3;
  return config;
}

template <class S>
MoeLayerCapture<S> capture(int layer) {
  const MoeGptConfig config = captured_model();
  const auto weights = shaken_weights<S>(config, 7);
  const OwnedPass<S> owned;
  return capture_moe_layer<S>(weights, config, owned.pass, random_bytes(13).inputs, layer);
}

// The parts fit together: the result is the weighted sum of the captured experts' outputs, and the
// scores are a softmax whose largest entries were chosen.
TEST(MoeLayerCapture, ThePartsMakeTheWhole) {
  const MoeLayerCapture<double> seen = capture<double>(2);
  EXPECT_EQ(seen.layer, 2);
  Matrix<double> sum = Matrix<double>::Zero(13, 8);
  std::size_t rows = 0;
  for (int expert = 0; expert < 5; ++expert) {
    const ExpertCapture<double>& part = seen.expert_outputs[expert];
    for (std::size_t row = 0; row < part.tokens.size(); ++row) {
      const int token = part.tokens[row];
      const int slot = seen.top_k_indices[2 * token] == expert ? 0 : 1;
      EXPECT_EQ(seen.top_k_indices[2 * token + slot], expert);
      EXPECT_EQ(seen.kept[2 * token + slot], 1);
      sum.row(token) += seen.top_k_scores(token, slot) * part.outputs.row(row);
      ++rows;
    }
  }
  EXPECT_LT((sum - seen.final_output).norm(), 1e-13);
  // 0.6 x 13 x 2 / 5 = 3.12: 4 slots for each expert, so that some of the 26 pairs are dropped.
  EXPECT_LT(rows, 26U);
  for (int token = 0; token < 13; ++token) {
    EXPECT_NEAR(seen.gate_scores.row(token).sum(), 1, 1e-14);
    const double chosen = seen.gate_scores(token, seen.top_k_indices[2 * token]);
    EXPECT_EQ(chosen, seen.gate_scores.row(token).maxCoeff());
  }
}

// What is captured is what a full pass does.
TEST(MoeLayerCapture, IsWhatAFullPassDoes) {
  const MoeGptConfig config = captured_model();
  const auto weights = shaken_weights<float>(config, 7);
  const testing::Bytes bytes = random_bytes(13);
  const OwnedPass<float> owned;
  MoeGptCache<float> cache;
  moe_gpt_loss(weights, config, owned.pass, bytes.batch(), cache);
  for (const int layer : {1, 2}) {
    const MoeLayerCapture<float> seen = capture<float>(layer);
    const RouterCache<float>& router = cache.blocks[layer].moe.router;
    EXPECT_EQ(seen.gate_scores, router.scores);
    EXPECT_EQ(seen.top_k_indices, router.batch.experts);
    EXPECT_EQ(seen.kept, router.batch.kept);
    EXPECT_EQ(seen.load_balance_loss, router.loss);
    ASSERT_EQ(seen.balance_terms.size(), 2U);
    EXPECT_EQ(seen.balance_terms[0].name, "aux_loss");
  }
}

TEST(MoeLayerCapture, BecomesJson) {
  MoeLayerCapture<float> seen = capture<float>(1);
  seen.final_output(0, 0) = std::numeric_limits<float>::quiet_NaN();
  const base::JsonValue json = base::parse_json(to_text(capture_json(seen)), "capture");
  EXPECT_EQ(json.find("layer")->number, 1);
  const base::JsonValue& scores = *json.find("gate_scores");
  ASSERT_EQ(scores.items.size(), 13U);
  ASSERT_EQ(scores.items[4].items.size(), 5U);
  EXPECT_EQ(static_cast<float>(scores.items[4].items[3].number), seen.gate_scores(4, 3));
  EXPECT_EQ(json.find("top_k_indices")->items[12].items[1].number, seen.top_k_indices[25]);
  EXPECT_EQ(json.find("final_output")->items[0].items[0].kind, base::JsonValue::Kind::null);
  const base::JsonValue& expert = json.find("expert_outputs")->items[3];
  EXPECT_EQ(expert.find("expert")->number, 3);
  EXPECT_EQ(expert.find("tokens")->items.size(), seen.expert_outputs[3].tokens.size());
  EXPECT_EQ(json.find("balance_terms")->find("aux_loss")->number, seen.balance_terms[0].value);
}

TEST(MoeLayerCapture, BecomesATensorFile) {
  const MoeLayerCapture<float> seen = capture<float>(1);
  const std::filesystem::path path =
      std::filesystem::path(::testing::TempDir()) / "moe_layer_capture_test.safetensors";
  write_capture(path, seen);
  const SafetensorsFile file = read_safetensors(path);
  std::filesystem::remove(path);
  EXPECT_EQ(file.metadata.at("layer"), "1");
  const Tensor* const scores = file.find("gate_scores");
  ASSERT_NE(scores, nullptr);
  EXPECT_EQ(scores->shape, (std::vector<std::int64_t>{13, 5}));
  EXPECT_EQ(to_floats(*scores)[4 * 5 + 3], seen.gate_scores(4, 3));
  const Tensor* const outputs = file.find("expert_outputs.3.outputs");
  ASSERT_NE(outputs, nullptr);
  EXPECT_EQ(outputs->shape[0], static_cast<std::int64_t>(seen.expert_outputs[3].tokens.size()));
  EXPECT_EQ(to_doubles(*file.find("load_balance_loss"))[0], seen.load_balance_loss);
}

TEST(MoeLayerCapture, ADenseLayerIsTheUsersError) {
  for (const int layer : {-1, 0, 3}) {
    try {
      capture<float>(layer);
      FAIL() << "no error about layer " << layer;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.where(), "layer");
    }
  }
}

}  // namespace
}  // namespace moesim::model
