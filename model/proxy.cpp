// SPDX-License-Identifier: Apache-2.0
#include "model/proxy.h"

#include <cmath>
#include <mutex>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/rng.h"
#include "model/layers/moe_gpt.h"
#include "model/train/trainer.h"

namespace moesim::model {
namespace {

// This target's files are compiled for AVX2 and FMA where the compiler targets x86-64.
void require_vector_instructions() {
#if defined(__AVX2__) && defined(__FMA__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    throw base::Error("this processor", "it lacks AVX2 or FMA, which the proxy's numerics need",
                      "configure with -DMOESIM_WIDE_VECTORS=OFF, or use synthetic routing");
  }
#endif
}

// Eigen cuts long sums where the processor's caches suggest; fixed sizes make the last bits of a
// result the same on every processor.
void fix_eigen_blocking() {
  static std::once_flag once;
  std::call_once(once, [] { Eigen::setCpuCacheSizes(32 << 10, 512 << 10, 4 << 20); });
}

void require_positive(const char* key, double value) {
  if (std::isfinite(value) && value > 0) return;
  throw base::Error(key, "the proxy needs a value above 0", "");
}

void validate(const ProxyConfig& config, std::size_t text_bytes) {
  require_positive("num_moe_layers", config.num_moe_layers);
  require_positive("num_experts", config.num_experts);
  require_positive("top_k", config.top_k);
  require_positive("hidden_size", config.hidden_size);
  require_positive("num_attention_heads", config.num_attention_heads);
  require_positive("moe_intermediate_size", config.moe_intermediate_size);
  require_positive("seq_length", config.seq_length);
  require_positive("batch_size", config.batch_size);
  require_positive("learning_rate", config.learning_rate);
  if (config.capacity_factor.has_value()) {
    require_positive("capacity_factor", *config.capacity_factor);
  }
  if (config.train_steps < 0 || !(config.aux_loss_coef >= 0)) {
    throw base::Error(config.train_steps < 0 ? "train_steps" : "aux_loss_coef",
                      "the proxy needs a value of at least 0", "");
  }
  if (config.top_k > config.num_experts) {
    throw base::Error("top_k",
                      "a token cannot choose " + std::to_string(config.top_k) + " of " +
                          std::to_string(config.num_experts) + " experts",
                      "lower top_k, or raise num_experts");
  }
  if (config.hidden_size % config.num_attention_heads != 0) {
    throw base::Error("num_attention_heads",
                      std::to_string(config.num_attention_heads) +
                          " heads do not divide a hidden " + "size of " +
                          std::to_string(config.hidden_size),
                      "choose a divisor of the proxy's hidden_size");
  }
  if (text_bytes < least_training_text(config.seq_length)) {
    throw base::Error("text",
                      "the proxy's text has " + std::to_string(text_bytes) + " bytes, and " +
                          std::to_string(least_training_text(config.seq_length)) + " are needed",
                      "name a longer text, or use a shorter window");
  }
}

MoeGptShape shape_of(const ProxyConfig& config) {
  MoeGptShape shape;
  shape.num_layers = config.num_moe_layers;
  shape.hidden_size = config.hidden_size;
  shape.moe_intermediate_size = config.moe_intermediate_size;
  shape.block.attention = {config.num_attention_heads, config.seq_length};
  shape.block.moe = {config.num_experts, config.top_k, config.capacity_factor,
                     config.token_drop_policy, config.aux_loss_coef};
  return shape;
}

}  // namespace

struct Proxy::State {
  std::uint64_t seed = 0;
  MoeGptShape shape;
  std::vector<std::uint8_t> text;
  MoeGptWeights<float> weights;
  TrainingReport report;
};

Proxy::Proxy(const ProxyConfig& config, std::vector<std::uint8_t> text,
             const std::function<void(int, int)>& progress)
    : state_(std::make_unique<State>()) {
  require_vector_instructions();
  validate(config, text.size());
  fix_eigen_blocking();
  state_->seed = config.seed;
  state_->shape = shape_of(config);
  state_->text = std::move(text);
  base::Rng weights_rng(config.seed, "proxy weights");
  base::Rng batches_rng(config.seed, "proxy batches");
  state_->weights = random_moe_gpt<float>(state_->shape, weights_rng);
  const TrainingConfig training{config.batch_size, config.train_steps, config.learning_rate,
                                config.num_threads, progress};
  state_->report = train(training, state_->shape, state_->text, state_->weights, batches_rng);
}

Proxy::~Proxy() = default;

const TrainingReport& Proxy::report() const { return state_->report; }

std::vector<RoutingBatch> Proxy::route(int micro_batch, int rank, int tokens) const {
  CHECK(tokens >= 1, "a rank routes at least one token");
  base::Rng rng(state_->seed,
                "route mb=" + std::to_string(micro_batch) + " rank=" + std::to_string(rank));
  const std::vector<std::uint8_t>& text = state_->text;
  std::size_t place = rng.below(text.size());
  std::vector<std::uint8_t> bytes(tokens);
  for (std::uint8_t& byte : bytes) {
    byte = text[place];
    place = place + 1 == text.size() ? 0 : place + 1;
  }
  return route_bytes(state_->weights, state_->shape, bytes);
}

}  // namespace moesim::model
