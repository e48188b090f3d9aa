// SPDX-License-Identifier: Apache-2.0
#include "model/judge_text.h"

#include <gtest/gtest.h>

#include "model/layers/moe_gpt.h"
#include "model/train/text_parts.h"
#include "tests/model/layers/small_model.h"
#include "tests/support/numerics.h"
#include "tests/support/words_text.h"

namespace moesim::model {
namespace {

using testing::OwnedPass;

// Eight windows make a pass, so nine are two; without capacity a window's loss is its own, so the
// mean over both passes is that of one pass over all nine.
TEST(JudgeText, TheLossIsTheMeanOverAllWindowsAndEachPassHasItsRouting) {
  const MoeGptConfig config = testing::small_model();
  const auto weights = testing::shaken_weights<float>(config, 3);
  const OwnedPass<float> owned;
  const std::vector<std::uint8_t> text = testing::words_text(50);
  const TextJudgement judgement = judge_text({weights, config, owned.pass}, text, 9);
  const ByteBatch batch = spread_windows(text, 9, config.seq_length);
  ASSERT_EQ(batch.inputs.size(), 9U * 5U);
  MoeGptCache<float> cache;
  const TokenBatch all{batch.inputs, batch.targets};
  const double expected = moe_gpt_loss(weights, config, owned.pass, all, cache).cross_entropy;
  EXPECT_NEAR(judgement.loss, expected, 1e-5);
  ASSERT_EQ(judgement.routing.size(), 4U);  // two passes of two MoE layers
  EXPECT_EQ(judgement.routing[1].experts.size(), 8U * 5U * 2U);
  EXPECT_EQ(judgement.routing[2].experts.size(), 1U * 5U * 2U);
}

}  // namespace
}  // namespace moesim::model
