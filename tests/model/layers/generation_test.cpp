// SPDX-License-Identifier: Apache-2.0
#include "model/layers/generation.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/model/layers/small_model.h"
#include "tests/support/numerics.h"

namespace moesim::model {
namespace {

using testing::OwnedPass;
using testing::random_bytes;
using testing::shaken_weights;
using testing::small_model;

MoeGptConfig writing_model() {
  MoeGptConfig config = small_model();
  config.num_hidden_layers = 3;
  config.first_k_dense_replace = 1;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.seq_length = 12;
  config.n_shared_experts = 1;
  config.router.capacity_factor = 1;  // generation does without
  return config;
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// Appending one by one, through three windows: every logit equals that of the whole window.
TEST(ByteStream, TheCacheChangesNothing) {
  const MoeGptConfig config = writing_model();
  const auto weights = shaken_weights<double>(config, 6);
  const OwnedPass<double> owned;
  ByteStream<double> cached(weights, config, owned.pass, true);
  ByteStream<double> plain(weights, config, owned.pass, false);
  for (const std::uint8_t byte : random_bytes(40).inputs) {
    const std::array<std::uint8_t, 1> next{byte};
    const Matrix<double> expected = plain.append(next);
    const Matrix<double>& logits = cached.append(next);
    EXPECT_LT((logits - expected).norm(), 1e-12 * expected.norm());
  }
}

// Of 15 bytes and windows of 12: when the 13th comes, the window goes on with the last 6 of the
// first 12, so that the model sees bytes 6 to 14.
TEST(ByteStream, TheWindowBeginsAnewWithItsSecondHalf) {
  MoeGptConfig config = writing_model();
  const auto weights = shaken_weights<double>(config, 6);
  const OwnedPass<double> owned;
  const auto bytes = random_bytes(15).inputs;
  ByteStream<double> stream(weights, config, owned.pass, true);
  const Matrix<double> logits = stream.append(bytes);
  config.router.capacity_factor.reset();
  const auto window = std::span(bytes).subspan(6);
  const Matrix<double> expected = moe_gpt_logits<double>(weights, config, owned.pass, window);
  EXPECT_LT((logits - expected.row(8)).norm(), 1e-12 * logits.norm());
}

TEST(Generator, WritesTheSameWithAndWithoutTheCache) {
  const MoeGptConfig config = writing_model();
  const auto weights = shaken_weights<float>(config, 6);
  const OwnedPass<float> owned;
  const Generator<float> generator{weights, config, owned.pass};
  for (const double temperature : {0.0, 0.8}) {
    GenerationConfig generation{.max_new_bytes = 60, .temperature = temperature};
    base::Rng first(1, "generation");
    base::Rng second(1, "generation");
    const auto cached = generator.run(generation, bytes_of("To"), first);
    generation.use_cache = false;
    const auto plain = generator.run(generation, bytes_of("To"), second);
    EXPECT_EQ(cached.size(), 60U);
    EXPECT_EQ(cached, plain);
  }
}

TEST(Generator, ALongPromptIsReadWhole) {
  const MoeGptConfig config = writing_model();
  const auto weights = shaken_weights<float>(config, 6);
  const OwnedPass<float> owned;
  const Generator<float> generator{weights, config, owned.pass};
  const GenerationConfig generation{.max_new_bytes = 5, .temperature = 0};
  base::Rng rng(1, "generation");
  // The window at the end of 100 bytes is bytes 90 to 99 (it begins at 0, 6, 12, ...), so that what
  // comes before does not matter and what is in it does.
  auto prompt = random_bytes(100).inputs;
  const auto written = generator.run(generation, prompt, rng);
  prompt[80] ^= 1;
  EXPECT_EQ(generator.run(generation, prompt, rng), written);
  ByteStream<float> stream(weights, config, owned.pass, true);
  const Matrix<float> before = stream.append(prompt);
  prompt[95] ^= 1;
  ByteStream<float> other(weights, config, owned.pass, true);
  EXPECT_NE(other.append(prompt), before);
}

Matrix<double> logits_of(std::initializer_list<std::pair<int, double>> values) {
  Matrix<double> logits = Matrix<double>::Constant(1, 256, -20);
  for (const auto& [byte, logit] : values) logits(0, byte) = logit;
  return logits;
}

TEST(DrawByte, AtTemperatureZeroTheLikeliestAndOfEqualsTheLowest) {
  base::Rng rng(1, "draw");
  const GenerationConfig greedy{.temperature = 0};
  EXPECT_EQ(draw_byte(logits_of({{7, 3}, {4, 3}, {9, 2.9}}), greedy, rng), 4);
  EXPECT_EQ(draw_byte(logits_of({{0, std::nan("")}, {200, 1}}), greedy, rng), 200);
}

// Logits ln 3 and 0 at temperature 1/2 weigh as 9 to 1: of 4000 draws 3600, deviation
// sqrt(4000 x 0.09) = 19. The other 254 bytes together have e^-40.
TEST(DrawByte, DrawsByTheTemperedSoftmax) {
  base::Rng rng(1, "draw");
  const GenerationConfig generation{.temperature = 0.5};
  const Matrix<double> logits = logits_of({{65, std::log(3.0)}, {66, 0}});
  int first = 0;
  for (int i = 0; i < 4000; ++i) first += draw_byte(logits, generation, rng) == 65 ? 1 : 0;
  EXPECT_NEAR(first, 3600, 5 * 19);
}

TEST(DrawByte, DrawsAmongTheLikeliestWhenAsked) {
  base::Rng rng(1, "draw");
  const GenerationConfig generation{.temperature = 100, .top_k_bytes = 2};
  const Matrix<double> logits = logits_of({{65, 2}, {66, 1}, {67, 0.9}});
  std::array<int, 256> counts{};
  for (int i = 0; i < 400; ++i) ++counts[draw_byte(logits, generation, rng)];
  EXPECT_EQ(counts[65] + counts[66], 400);
  EXPECT_GT(counts[66], 100);
}

}  // namespace
}  // namespace moesim::model
