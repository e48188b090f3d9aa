// SPDX-License-Identifier: Apache-2.0
#include "model/proxy.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "model/cpu/cpu_backend.h"
#include "model/cpu/processor.h"
#include "model/layers/moe_gpt.h"
#include "model/train/trainer.h"

namespace moesim::model {
namespace {

void require_positive(const char* key, double value) {
  if (std::isfinite(value) && value > 0) return;
  throw base::Error(key, "the proxy needs a value above 0", "");
}

void validate(const ProxyConfig& config) {
  require_positive("num_moe_layers", config.num_moe_layers);
  require_positive("batch_size", config.batch_size);
  require_positive("learning_rate", config.learning_rate);
  if (config.train_steps < 0) {
    throw base::Error("train_steps", "the proxy needs a value of at least 0", "");
  }
}

MoeGptConfig model_config(const ProxyConfig& config) {
  MoeGptConfig model;
  model.num_hidden_layers = config.num_moe_layers;
  model.hidden_size = config.hidden_size;
  model.num_attention_heads = config.num_attention_heads;
  model.seq_length = config.seq_length;
  model.moe_intermediate_size = config.moe_intermediate_size;
  model.router = config.router;
  model.tie_word_embeddings = false;
  return model;
}

TrainingConfig training_config(const ProxyConfig& config) {
  TrainingConfig training;
  training.steps = config.train_steps;
  training.batch_size = config.batch_size;
  training.learning_rate = config.learning_rate;
  training.schedule = ScheduleType::constant;
  training.warm_up_steps = config.train_steps / 10;
  training.seed = config.seed;
  return training;
}

// The trainer names places in its own file's sections; the proxy's settings have no sections.
[[noreturn]] void rethrow_with_own_place(const base::Error& error) {
  std::string where = error.where();
  for (const std::string section : {"/model/", "/training/", "/"}) {
    if (!where.starts_with(section)) continue;
    where.erase(0, section.size());
    break;
  }
  throw base::Error(where, error.message(), error.hint());
}

}  // namespace

struct Proxy::State {
  std::uint64_t seed = 0;
  MoeGptConfig model;
  std::vector<std::uint8_t> text;
  MoeGptWeights<float> weights;
  TrainingReport report;

  void train(const ProxyConfig& config, const std::function<void(int, int)>& progress);
};

void Proxy::State::train(const ProxyConfig& config, const std::function<void(int, int)>& progress) {
  Trainer trainer(model, training_config(config), text, {config.num_threads, config.device});
  for (int step = 1; step <= config.train_steps; ++step) {
    report.train_loss.push_back(trainer.step().record.loss);
    if (progress) progress(step, config.train_steps);
  }
  report.validation_loss = trainer.validate();
  weights = std::move(trainer).take_state().weights;
}

Proxy::Proxy(const ProxyConfig& config, std::vector<std::uint8_t> text,
             const std::function<void(int, int)>& progress)
    : state_(std::make_unique<State>()) {
  require_vector_instructions();
  validate(config);
  state_->seed = config.seed;
  state_->model = model_config(config);
  state_->text = std::move(text);
  try {
    state_->train(config, progress);
  } catch (const base::Error& error) {
    rethrow_with_own_place(error);
  }
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
  // Random routing draws by the pass's key: every rank and micro-batch has its own.
  const std::uint64_t key = rng.next();
  base::ThreadPool threads(1);
  const auto backend = make_cpu_backend<float>(threads);
  const Pass<float> pass{*backend, threads, false, key, false};
  return route_bytes<float>(state_->weights, state_->model, pass, bytes);
}

}  // namespace moesim::model
