// SPDX-License-Identifier: Apache-2.0
// A trained MoE-GPT to be used: it writes text, judges text, and shows how it routes. The door for
// programs that do not see Eigen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/layers/generation_config.h"
#include "model/moe_gpt_config.h"
#include "model/router/routing_batch.h"

namespace moesim::model {

namespace cuda {
class Device;
}

struct TextJudgement {
  double loss = 0;  // mean cross entropy, nats per byte
  // The gate's decisions: one entry per pass and MoE layer, layers innermost.
  std::vector<RoutingBatch> routing;
};

class TrainedGpt {
 public:
  // `path` is a training run's folder, a folder of checkpoints, or one checkpoint. Throws
  // base::Error as load_trained_model does (checkpoint/checkpoint.h), and where the processor lacks
  // the instructions that this was compiled for. `device` multiplies, chooses and moves rows, with
  // the processor's bits; null: the processor does. It outlives this.
  TrainedGpt(const std::filesystem::path& path, int threads, cuda::Device* device = nullptr);
  ~TrainedGpt();

  const MoeGptConfig& config() const;
  int steps() const;  // that it was trained for

  // Writes on from the prompt (at least one byte), a call of `each` for each new byte.
  void write_on(std::string_view prompt, const GenerationConfig& generation,
                const std::function<void(char)>& each) const;

  // On windows spread evenly over the text, at most `windows` of seq_length; the text has at least
  // seq_length + 1 bytes.
  TextJudgement judge(std::span<const std::uint8_t> text, int windows) const;

  // A layer's intermediate data on the text's first bytes, at most seq_length (at least one):
  // capture/moe_layer_capture.h. `layer` counts all blocks; throws base::Error where it is no MoE
  // layer.
  std::string capture_text(std::string_view text, int layer) const;  // as JSON
  void write_capture_tensors(const std::filesystem::path& path, std::string_view text,
                             int layer) const;  // as a safetensors file

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moesim::model
