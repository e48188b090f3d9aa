// SPDX-License-Identifier: Apache-2.0
#include "model/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <new>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/rng.h"
#include "model/cuda/cuda_step_engine.h"
#include "model/parameter_account.h"
#include "model/train/schedule.h"
#include "model/train/step_engine.h"
#include "model/train/text_parts.h"

namespace moesim::model {
namespace {

constexpr int kUsageRows = 100;  // of a run's history, about

void require_finite(double value, const std::string& what, int step) {
  if (std::isfinite(value)) return;
  throw base::Error(
      "/training/learning_rate",
      "training diverged: " + what + " of step " + std::to_string(step) + " is not a finite number",
      "lower learning_rate, or clip_grad_norm, or lengthen warm_up_steps");
}

void check_settings(const MoeGptConfig& model, const TrainingConfig& training,
                    std::span<const std::uint8_t> text) {
  validate(model, training, "");
  const std::size_t least = least_text(model.seq_length, training.validation_fraction);
  if (text.size() < least) {
    throw base::Error(
        "/text",
        "the text has " + std::to_string(text.size()) + " bytes, and at least " +
            std::to_string(least) + " are needed for a window in each of its two parts",
        "name a longer text, or use a shorter seq_length or a larger validation_fraction");
  }
}

// What `work` gives; memory that is not to be had for it is the user's error.
template <class Work>
auto within_memory(const base::Error& error, Work&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    throw error;
  }
}

base::Error lack_of_memory_for(const MoeGptConfig& model) {
  return {"/model",
          "not enough memory for " + std::to_string(account_parameters(model).total()) +
              " parameters, their gradient and what the optimizer keeps",
          "lower the model's sizes"};
}

TrainerState first_state(const MoeGptConfig& model, const TrainingConfig& training) {
  base::Rng rng(training.seed, "weights");
  TrainerState state;
  state.weights = random_moe_gpt<float>(model, rng);
  const auto list = parameters(state.weights);
  state.optimizer = fresh_optimizer(training, list);
  if (training.bf16_weights) round_weights(list);
  return state;
}

// The part of a batch that one pass sees.
TokenBatch part_of(const ByteBatch& batch, std::size_t first_token, std::size_t tokens) {
  return {std::span(batch.inputs).subspan(first_token, tokens),
          std::span(batch.targets).subspan(first_token, tokens)};
}

}  // namespace

struct Trainer::Work {
  Work(const MoeGptConfig& model_config, const TrainingConfig& training_config,
       std::span<const std::uint8_t> text, const TrainerMachine& machine)
      : model(model_config),
        training(training_config),
        parts(cut_text(text, training.validation_fraction)),
        threads(machine.threads),
        device(machine.device),
        windows(training.seed, "windows"),
        passes(training.seed, "passes") {}

  // What follows from the state's shapes.
  void adopt(TrainerState given) {
    state = std::move(given);
    runs = plan_learning_runs(training, parameters(state.weights), model.expert_sizes());
    const EngineSubject subject{model, training, threads, state.weights, state.optimizer, runs};
    engine = device == nullptr ? make_cpu_step_engine(subject)
                               : cuda::make_cuda_step_engine(*device, subject);
  }

  // The validation windows, in passes as large as training's.
  void for_validation_parts(const std::function<void(const TokenBatch&)>& use) const;

  // Cross entropy and balancing loss of a step's batch, and their gradient; collects the routing.
  MoeGptLoss run_passes(int step, std::vector<RoutingBatch>& routing);
  void update_weights(const StepRecord& record);
  // One entry a MoE layer.
  std::vector<LayerUsage> usage_of(const std::vector<RoutingBatch>& routing) const;
  void update_selection_biases();

  const MoeGptConfig model;
  const TrainingConfig training;
  const TextParts parts;
  base::ThreadPool threads;
  cuda::Device* const device;
  const base::RandomField windows;
  const base::RandomField passes;
  TrainerState state;
  std::vector<LearningRun> runs;
  std::unique_ptr<StepEngine> engine;
  // [MoE layers][num_experts] pairs of the step that chose each expert, before overflow moved them.
  std::vector<std::vector<std::int64_t>> loads;
};

MoeGptLoss Trainer::Work::run_passes(int step, std::vector<RoutingBatch>& routing) {
  const auto first_draw =
      static_cast<std::uint64_t>(step - 1) * static_cast<std::uint64_t>(training.batch_size);
  const ByteBatch batch =
      sample_windows(parts.training, model.seq_length, {windows, first_draw, training.batch_size});
  const std::size_t tokens = batch.inputs.size() / static_cast<std::size_t>(training.micro_batches);
  const double share = 1.0 / training.micro_batches;
  MoeGptLoss mean;
  loads.assign(static_cast<std::size_t>(model.num_moe_layers()),
               std::vector<std::int64_t>(static_cast<std::size_t>(model.router.num_experts)));
  for (int i = 0; i < training.micro_batches; ++i) {
    const auto place =
        static_cast<std::uint64_t>(step - 1) * static_cast<std::uint64_t>(training.micro_batches) +
        static_cast<std::uint64_t>(i);
    const TrainingPass pass{part_of(batch, static_cast<std::size_t>(i) * tokens, tokens),
                            passes.bits(place), i > 0, share};
    std::vector<RoutedLayer> layers;
    const MoeGptLoss loss = engine->run(pass, layers);
    require_finite(loss.cross_entropy + loss.balance, "the loss", step);
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      std::vector<std::int64_t>& sum = loads[layer];
      std::transform(sum.begin(), sum.end(), layers[layer].load.begin(), sum.begin(),
                     std::plus<>());
      routing.push_back(std::move(layers[layer].batch));
    }
    mean.cross_entropy += share * loss.cross_entropy;
    mean.balance += share * loss.balance;
  }
  return mean;
}

void Trainer::Work::update_weights(const StepRecord& record) {
  const OptimizerStep step{training, runs, record.learning_rate,
                           clipping_scale(training.clip_grad_norm, record.grad_norm)};
  engine->step(step);
}

void Trainer::Work::for_validation_parts(const std::function<void(const TokenBatch&)>& use) const {
  const ByteBatch batch =
      spread_windows(parts.validation, training.validation_windows, model.seq_length);
  const std::size_t most = static_cast<std::size_t>(training.batch_size / training.micro_batches) *
                           static_cast<std::size_t>(model.seq_length);
  for (std::size_t first = 0; first < batch.inputs.size(); first += most) {
    use(part_of(batch, first, std::min(most, batch.inputs.size() - first)));
  }
}

std::vector<LayerUsage> Trainer::Work::usage_of(const std::vector<RoutingBatch>& routing) const {
  const std::size_t layers = routing.size() / static_cast<std::size_t>(training.micro_batches);
  std::vector<LayerUsage> usage(layers);
  for (std::size_t i = 0; i < routing.size(); ++i) add_batch(routing[i], usage[i % layers]);
  return usage;
}

void Trainer::Work::update_selection_biases() {
  const double rate = model.router.balance.bias_update_rate;
  if (rate == 0) return;
  auto load = loads.begin();
  for (int layer = 0; layer < model.num_hidden_layers; ++layer) {
    if (!model.is_moe_layer(layer)) continue;
    RouterWeights<float>& router = state.weights.blocks[static_cast<std::size_t>(layer)].moe.router;
    if (router.selection_bias.size() != 0) {
      update_selection_bias<float>(*load, rate, router.selection_bias);
      engine->take_selection_bias(router.selection_bias);
    }
    ++load;
  }
}

Trainer::Trainer(const MoeGptConfig& model, const TrainingConfig& training,
                 std::span<const std::uint8_t> text, const TrainerMachine& machine) {
  check_settings(model, training, text);
  if (machine.device != nullptr) cuda::check_limits(model, machine.device->products());
  within_memory(lack_of_memory_for(model), [&] {
    work_ = std::make_unique<Work>(model, training, text, machine);
    work_->adopt(first_state(model, training));
  });
}

Trainer::Trainer(const MoeGptConfig& model, const TrainingConfig& training,
                 std::span<const std::uint8_t> text, const TrainerMachine& machine,
                 TrainerState state) {
  check_settings(model, training, text);
  if (machine.device != nullptr) cuda::check_limits(model, machine.device->products());
  within_memory(lack_of_memory_for(model), [&] {
    work_ = std::make_unique<Work>(model, training, text, machine);
    work_->adopt(std::move(state));
  });
}

Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;

StepReport Trainer::step() {
  Work& work = *work_;
  const int step = work.state.step + 1;
  StepReport report;
  const base::Error no_room("/training/batch_size", "not enough memory for the passes of a step",
                            "lower batch_size or seq_length, raise micro_batches, or set "
                            "recompute_activations");
  const MoeGptLoss loss =
      within_memory(no_room, [&] { return work.run_passes(step, report.routing); });
  const double norm = work.engine->gradient_norm();
  require_finite(norm, "the gradient", step);
  const auto tokens = std::int64_t{work.training.batch_size} * work.model.seq_length;
  report.record = {
      step, loss.cross_entropy, loss.balance, norm, learning_rate_at(work.training, step), tokens};
  work.update_weights(report.record);
  report.usage = work.usage_of(report.routing);
  work.update_selection_biases();
  work.state.step = step;
  work.state.history.steps.push_back(report.record);
  const int steps_per_row = std::max(1, work.training.steps / kUsageRows);
  record_usage(step, steps_per_row, report.usage, work.state.history);
  return report;
}

double Trainer::validate() {
  Work& work = *work_;
  double nats = 0;
  std::size_t tokens = 0;
  work.for_validation_parts([&](const TokenBatch& part) {
    const MoeGptLoss loss = work.engine->judge(part);
    nats += loss.cross_entropy * static_cast<double>(part.inputs.size());
    tokens += part.inputs.size();
  });
  const double mean = nats / static_cast<double>(tokens);
  require_finite(mean, "the validation loss", work.state.step);
  std::vector<ValidationRecord>& done = work.state.history.validations;
  if (done.empty() || done.back().step != work.state.step) done.push_back({work.state.step, mean});
  return mean;
}

std::vector<RoutingBatch> Trainer::route_validation() {
  Work& work = *work_;
  std::vector<RoutingBatch> routing;
  work.for_validation_parts([&](const TokenBatch& part) {
    for (RoutingBatch& batch : work.engine->route(part.inputs)) {
      routing.push_back(std::move(batch));
    }
  });
  return routing;
}

const TrainerState& Trainer::state() const {
  work_->engine->fetch();
  return work_->state;
}

const TrainingHistory& Trainer::history() const { return work_->state.history; }

int Trainer::steps_done() const { return work_->state.step; }

TrainerState Trainer::take_state() && {
  work_->engine->fetch();
  return std::move(work_->state);
}

}  // namespace moesim::model
