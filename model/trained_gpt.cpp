// SPDX-License-Identifier: Apache-2.0
#include "model/trained_gpt.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "base/rng.h"
#include "model/capture/moe_layer_capture.h"
#include "model/checkpoint/checkpoint.h"
#include "model/cpu/cpu_backend.h"
#include "model/cpu/processor.h"
#include "model/layers/generation.h"
#include "model/train/text_parts.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

// Windows of one pass.
constexpr int kWindowsAtOnce = 8;

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace

struct TrainedGpt::State {
  State(const fs::path& path, int num_threads)
      : threads(num_threads),
        backend(make_cpu_backend<float>(threads)),
        gpt(load_trained_model(path)) {}

  Pass<float> pass() { return {*backend, threads}; }

  MoeLayerCapture<float> capture(std::string_view text, int layer) {
    const MoeGptConfig& config = gpt.manifest.model;
    const std::vector<std::uint8_t> bytes = bytes_of(text.substr(0, config.seq_length));
    return capture_moe_layer<float>(gpt.weights, config, pass(), bytes, layer);
  }

  base::ThreadPool threads;
  std::unique_ptr<Backend<float>> backend;
  TrainedModel gpt;
};

TrainedGpt::TrainedGpt(const fs::path& path, int threads) {
  require_vector_instructions();
  state_ = std::make_unique<State>(path, threads);
}

TrainedGpt::~TrainedGpt() = default;

const MoeGptConfig& TrainedGpt::config() const { return state_->gpt.manifest.model; }

int TrainedGpt::steps() const { return state_->gpt.manifest.step; }

void TrainedGpt::write_on(std::string_view prompt, const GenerationConfig& generation,
                          const std::function<void(char)>& each) const {
  const Pass<float> pass = state_->pass();
  base::Rng rng(generation.seed, "generation");
  ByteStream<float> stream(state_->gpt.weights, config(), pass, generation.use_cache);
  std::vector<std::uint8_t> next = bytes_of(prompt);
  for (int i = 0; i < generation.max_new_bytes; ++i) {
    next = {draw_byte(stream.append(next), generation, rng)};
    each(static_cast<char>(next.front()));
  }
}

TextJudgement TrainedGpt::judge(std::span<const std::uint8_t> text, int windows) const {
  const MoeGptConfig& model = config();
  const ByteBatch batch = spread_windows(text, windows, model.seq_length);
  const std::size_t at_once = static_cast<std::size_t>(kWindowsAtOnce) * model.seq_length;
  const Pass<float> pass = state_->pass();
  MoeGptCache<float> cache;
  cache.recompute_blocks = true;
  TextJudgement judgement;
  for (std::size_t first = 0; first < batch.inputs.size(); first += at_once) {
    const std::size_t tokens = std::min(at_once, batch.inputs.size() - first);
    const TokenBatch part{std::span(batch.inputs).subspan(first, tokens),
                          std::span(batch.targets).subspan(first, tokens)};
    const MoeGptLoss loss = moe_gpt_loss(state_->gpt.weights, model, pass, part, cache);
    judgement.loss +=
        loss.cross_entropy * static_cast<double>(tokens) / static_cast<double>(batch.inputs.size());
    for (int layer = 0; layer < model.num_hidden_layers; ++layer) {
      if (!model.is_moe_layer(layer)) continue;
      judgement.routing.push_back(cache.blocks[layer].moe.router.batch);
    }
  }
  return judgement;
}

std::string TrainedGpt::capture_text(std::string_view text, int layer) const {
  return base::to_text(capture_json(state_->capture(text, layer))) + "\n";
}

void TrainedGpt::write_capture_tensors(const fs::path& path, std::string_view text,
                                       int layer) const {
  write_capture(path, state_->capture(text, layer));
}

}  // namespace moesim::model
