// SPDX-License-Identifier: Apache-2.0
#include "model/spec/parameter_count.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/model/spec/read_spec.h"

namespace moesim::model {
namespace {

// small_model(): q and o are 8 x (2 heads x 4) = 64 each, k and v 8 x (1 x 4) = 32 each: 192 a
// layer.
TEST(ParameterCount, GroupedQueryAttentionSharesKeysAndValues) {
  EXPECT_EQ(attention_parameters(small_model()), 192);
}

// Embedding and head 2 x 100 x 8; attention 3 x 192; router 2 layers x 8 x 4; an expert has three
// 8 x 6 matrices = 144, times 4 experts x 2 layers; shared 2 x three 8 x 5; dense 1 x three 8 x 10.
TEST(ParameterCount, PartsOfASmallModelAddUp) {
  const ModelSpec spec = small_model();
  const ParameterCount count = count_parameters(spec);
  EXPECT_EQ(count.embedding, 1600);
  EXPECT_EQ(count.attention, 576);
  EXPECT_EQ(count.router, 64);
  EXPECT_EQ(expert_parameters(spec), 144);
  EXPECT_EQ(count.routed_experts, 1152);
  EXPECT_EQ(count.shared_experts, 240);
  EXPECT_EQ(count.dense_ffn, 240);
  EXPECT_EQ(count.total(), 3872);
  EXPECT_EQ(count.replicated(), 3872 - 1152);
  // A token meets 2 of the 4 experts: 1152 / 2 of the routed parameters.
  EXPECT_EQ(count.active(spec), 3872 - 576);
}

// One embedding of 100 x 8; two matrices of 8 x 6; a dense FFN of two 8 x 10.
TEST(ParameterCount, TiedEmbeddingsAndUngatedFfnsAreSmaller) {
  ModelSpec spec = small_model();
  spec.tie_word_embeddings = true;
  spec.gated_experts = false;
  spec.dense_ffn_matrices = 2;
  EXPECT_EQ(count_parameters(spec).embedding, 800);
  EXPECT_EQ(expert_parameters(spec), 96);
  EXPECT_EQ(count_parameters(spec).dense_ffn, 160);
}

// q: 8 x 3 down, 3 x 2 heads x (4 + 2) up = 60; joint down 8 x (5 + 2) = 56; up 5 x 2 x (4 + 3) =
// 70; o: 2 x 3 x 8 = 48; together 234. Without query compression q is 8 x 2 x 6 = 96: 270.
TEST(ParameterCount, LatentAttentionCountsItsDownAndUpProjections) {
  ModelSpec spec = small_model();
  spec.attention = AttentionKind::mla;
  spec.latent_attention = {.q_lora_rank = 3,
                           .kv_lora_rank = 5,
                           .qk_nope_head_dim = 4,
                           .qk_rope_head_dim = 2,
                           .v_head_dim = 3};
  EXPECT_EQ(attention_parameters(spec), 234);
  spec.latent_attention.q_lora_rank = 0;
  EXPECT_EQ(attention_parameters(spec), 270);
}

// 10^4 layers x 65,536 experts x 3 x 10^6 x 10^6 is 2 x 10^21.
TEST(ParameterCount, SizesBeyondCountingAreAnErrorNotAnOverflow) {
  ModelSpec spec = small_model();
  spec.num_hidden_layers = 10'000;
  spec.num_experts = 65'536;
  spec.hidden_size = spec.moe_intermediate_size = 1'000'000;
  EXPECT_THROW(count_parameters(spec), base::Error);
}

}  // namespace
}  // namespace moesim::model
