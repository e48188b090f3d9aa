// SPDX-License-Identifier: Apache-2.0
// A small byte-level MoE-GPT, trained for a while on real text, whose gate stands in for the gate
// of a model too large to run: same router, experts, top-k, capacity and number of MoE layers,
// small hidden size. What is exact is the number of routed pairs and the drops' rule; which expert
// a token picks is the proxy's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "model/router/router_config.h"
#include "model/router/routing_batch.h"
#include "model/train/training_report.h"

namespace moesim::model {

namespace cuda {
class Device;
}

struct ProxyConfig {
  int num_moe_layers = 0;  // every layer of the proxy is MoE
  int hidden_size = 32;
  int num_attention_heads = 2;
  int moe_intermediate_size = 16;
  RouterConfig router;
  int seq_length = 128;  // the window that one training sequence spans
  int batch_size = 8;    // sequences per training step
  int train_steps = 50;  // the first tenth of them warms the learning rate up
  double learning_rate = 3e-3;
  std::uint64_t seed = 0;
  int num_threads = 1;             // never changes a result
  cuda::Device* device = nullptr;  // that trains (docs/cuda.md); null: the processor does
};

class Proxy {
 public:
  // Initialises and trains; `progress(done, steps)` after every step, may be empty. The text needs
  // 10 x (seq_length + 1) bytes: the last tenth is held out. Throws base::Error, its place the
  // setting ("learning_rate", "router/num_experts", "text"), when sizes do not fit together, the
  // text is too short, training diverges, or the processor lacks the vector instructions this was
  // compiled for.
  Proxy(const ProxyConfig& config, std::vector<std::uint8_t> text,
        const std::function<void(int, int)>& progress);
  ~Proxy();

  const TrainingReport& report() const;

  // The gate's decisions for `tokens` (>= 1) consecutive bytes of the text, one batch per MoE
  // layer. Where the slice starts is drawn uniformly for each (seed, micro_batch, rank); a slice
  // that reaches the end of the text goes on from its beginning. Tokens are processed in windows of
  // seq_length. Capacity and drops are applied inside the forward pass
  // (a dropped pair adds nothing to the residual), per rank, over all `tokens`.
  // Thread-safe; the result depends on the arguments and the trained weights alone.
  std::vector<RoutingBatch> route(int micro_batch, int rank, int tokens) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moesim::model
