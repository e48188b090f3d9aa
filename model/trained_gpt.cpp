// SPDX-License-Identifier: Apache-2.0
#include "model/trained_gpt.h"

#include "base/check.h"
#include "base/error.h"
#include "base/rng.h"
#include "model/capture/moe_layer_capture.h"
#include "model/checkpoint/checkpoint.h"
#include "model/cpu/cpu_backend.h"
#include "model/cpu/processor.h"
#include "model/cuda/cuda_backend.h"
#include "model/judge_text.h"
#include "model/layers/generation.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace

struct TrainedGpt::State {
  State(const fs::path& path, int num_threads, cuda::Device* device)
      : threads(num_threads),
        backend(device == nullptr ? make_cpu_backend<float>(threads)
                                  : cuda::make_cuda_backend(*device)),
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

TrainedGpt::TrainedGpt(const fs::path& path, int threads, cuda::Device* device) {
  require_vector_instructions();
  state_ = std::make_unique<State>(path, threads, device);
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
  return judge_text({state_->gpt.weights, config(), state_->pass()}, text, windows);
}

std::string TrainedGpt::capture_text(std::string_view text, int layer) const {
  return base::to_text(capture_json(state_->capture(text, layer))) + "\n";
}

void TrainedGpt::write_capture_tensors(const fs::path& path, std::string_view text,
                                       int layer) const {
  write_capture(path, state_->capture(text, layer));
}

}  // namespace moesim::model
