// SPDX-License-Identifier: Apache-2.0
#include "model/judge_text.h"

#include <algorithm>

#include "model/layers/moe_gpt.h"
#include "model/train/text_parts.h"

namespace moesim::model {
namespace {

// Windows of one pass.
constexpr int kWindowsAtOnce = 8;

}  // namespace

TextJudgement judge_text(const JudgedModel& model, std::span<const std::uint8_t> text,
                         int windows) {
  const auto& [weights, config, pass] = model;
  const ByteBatch batch = spread_windows(text, windows, config.seq_length);
  const std::size_t at_once = static_cast<std::size_t>(kWindowsAtOnce) * config.seq_length;
  MoeGptCache<float> cache;
  cache.recompute_blocks = true;
  TextJudgement judgement;
  for (std::size_t first = 0; first < batch.inputs.size(); first += at_once) {
    const std::size_t tokens = std::min(at_once, batch.inputs.size() - first);
    const TokenBatch part{std::span(batch.inputs).subspan(first, tokens),
                          std::span(batch.targets).subspan(first, tokens)};
    const MoeGptLoss loss = moe_gpt_loss(weights, config, pass, part, cache);
    judgement.loss +=
        loss.cross_entropy * static_cast<double>(tokens) / static_cast<double>(batch.inputs.size());
    for (int layer = 0; layer < config.num_hidden_layers; ++layer) {
      if (!config.is_moe_layer(layer)) continue;
      judgement.routing.push_back(cache.blocks[layer].moe.router.batch);
    }
  }
  return judgement;
}

}  // namespace moesim::model
