// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/model_editor.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/balance/expert_usage.h"
#include "model/checkpoint/checkpoint.h"
#include "model/cpu/cpu_backend.h"
#include "model/cpu/processor.h"
#include "model/judge_text.h"
#include "model/parameter_account.h"
#include "model/surgery/distillation.h"
#include "model/surgery/expert_surgery.h"
#include "model/surgery/layer_import.h"
#include "model/train/own_text.h"
#include "model/train/text.h"
#include "model/train/text_parts.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

// Windows of the training part that usage is counted on.
constexpr int kUsageWindows = 64;
// Of a copy, as a part of its matrices' root mean square: enough for the two to grow apart, too
// little to be felt in the loss.
constexpr double kCopyNoise = 0.01;

// The work's errors with the flag as their place.
void at_flag(const std::string& flag, const std::function<void()>& work) {
  try {
    work();
  } catch (const base::Error& error) {
    throw base::Error(flag, error.message(), error.hint());
  }
}

std::vector<std::uint8_t> text_of(const fs::path& path, const CheckpointSubject& subject) {
  const std::size_t least =
      least_text(subject.model.seq_length, subject.training.validation_fraction);
  if (!path.empty()) return read_text(path, least);
  std::vector<std::uint8_t> text = own_text();
  if (text.size() >= least) return text;
  throw base::Error("--text",
                    "the program's own text has " + std::to_string(text.size()) +
                        " bytes, and the model's windows need " + std::to_string(least),
                    "name a longer text");
}

// The plan in which the copies of `chosen` follow the experts of their group.
ExpertPlan plan_to_copy(const MoeGptConfig& config, const ExpertPlan& chosen, int groups) {
  const int group_size = config.router.num_experts / groups;
  ExpertPlan plan;
  for (const std::vector<NewExpert>& copied : chosen) {
    std::vector<NewExpert>& layer = plan.emplace_back();
    for (int group = 0; group < groups; ++group) {
      for (int e = 0; e < group_size; ++e) layer.push_back({.source = group * group_size + e});
      for (const NewExpert& expert : copied) {
        if (expert.source / group_size != group) continue;
        layer.push_back({.source = expert.source, .noise = kCopyNoise});
      }
    }
  }
  return plan;
}

// Further learning rates of experts follow them.
std::vector<std::vector<double>> changed_rates(const MoeGptConfig& config, const ExpertPlan& plan,
                                               std::vector<std::vector<double>> rates) {
  auto layer_plan = plan.begin();
  for (int layer = 0; layer < config.num_hidden_layers && !rates.empty(); ++layer) {
    if (!config.is_moe_layer(layer)) continue;
    const std::vector<NewExpert>& experts = *layer_plan++;
    std::vector<double>& of_layer = rates[static_cast<std::size_t>(layer)];
    if (of_layer.empty()) continue;
    std::vector<double> changed;
    for (const NewExpert& expert : experts) changed.push_back(of_layer[expert.source]);
    of_layer = std::move(changed);
  }
  return rates;
}

// What the optimizer remembers of one parameter; a matrix is empty where it keeps none.
struct Memory {
  Matrix<float> momentum;
  Matrix<float> variance;
  Matrix<float> master;
};

// Puts memories to the parameters of their names, takes them out where there is no memory yet.
template <class Each>
void for_memories(MoeGptWeights<float>& weights, OptimizerState& optimizer, const Each& each) {
  std::size_t index = 0;
  const auto exchange = [&](std::vector<Matrix<float>>& list, Matrix<float>& part) {
    if (!list.empty()) std::swap(list[index], part);
  };
  for (const Parameter<float>& parameter : parameters(weights)) {
    if (!parameter.trained) continue;
    if (Memory* memory = each(parameter.name)) {
      exchange(optimizer.momentum, memory->momentum);
      exchange(optimizer.variance, memory->variance);
      exchange(optimizer.masters, memory->master);
    }
    ++index;
  }
}

}  // namespace

struct ModelEditor::State {
  State(const fs::path& path, const fs::path& text_path, int num_threads)
      : threads(num_threads),
        backend(make_cpu_backend<float>(threads)),
        checkpoint(load_checkpoint(path)),
        text(text_of(text_path, checkpoint.subject)) {
    const TextIdentity identity = identify_text(text);
    was_trained_on_text = identity == checkpoint.subject.text;
    checkpoint.subject.text = identity;
  }

  MoeGptConfig& config() { return checkpoint.subject.model; }
  TrainingConfig& training() { return checkpoint.subject.training; }
  MoeGptWeights<float>& weights() { return checkpoint.state.weights; }
  TextParts parts() { return cut_text(text, training().validation_fraction); }

  TextJudgement judge(std::span<const std::uint8_t> part, int windows) {
    return judge_text({weights(), config(), {*backend, threads}}, part, windows);
  }

  std::vector<std::vector<std::int64_t>> count_usage();
  void change(const ExpertPlan& plan);
  void replace_layer(int layer, const std::function<void()>& replace);
  void forget_figures(bool usage);

  base::ThreadPool threads;
  std::unique_ptr<Backend<float>> backend;
  Checkpoint checkpoint;
  std::vector<std::uint8_t> text;
  bool was_trained_on_text = false;
};

// [MoE layers][experts]
std::vector<std::vector<std::int64_t>> ModelEditor::State::count_usage() {
  const auto layers = static_cast<std::size_t>(config().num_moe_layers());
  if (layers == 0) {
    throw base::Error("model", "the model has no MoE layer", "use a model with experts");
  }
  const TextJudgement judgement = judge(parts().training, kUsageWindows);
  std::vector<LayerUsage> usage(layers);
  for (std::size_t i = 0; i < judgement.routing.size(); ++i) {
    add_batch(judgement.routing[i], usage[i % layers]);
  }
  std::vector<std::vector<std::int64_t>> counts;
  for (const LayerUsage& layer : usage) counts.push_back(layer.chosen);
  return counts;
}

void ModelEditor::State::change(const ExpertPlan& plan) {
  auto rates = changed_rates(config(), plan, training().expert_learning_rates);
  // Another name for each number of experts: two copies of one expert, made one after another, get
  // other noise.
  base::Rng rng(training().seed, "edit of " + std::to_string(config().router.num_experts));
  change_experts(plan, rng, config(), checkpoint.state);
  training().expert_learning_rates = std::move(rates);
  forget_figures(true);
}

// Runs what changes a block's feed-forward part in weights and configuration; the optimizer forgets
// that part and remembers all others.
void ModelEditor::State::replace_layer(int layer, const std::function<void()>& replace) {
  const std::string replaced = "blocks." + std::to_string(layer) + ".moe.";
  OptimizerState old = checkpoint.state.optimizer;
  std::map<std::string, Memory> memories;
  for_memories(weights(), old, [&](const std::string& name) { return &memories[name]; });
  replace();
  OptimizerState optimizer = fresh_optimizer(training(), parameters(weights()));
  for_memories(weights(), optimizer, [&](const std::string& name) -> Memory* {
    const auto memory = memories.find(name);
    return memory == memories.end() || name.starts_with(replaced) ? nullptr : &memory->second;
  });
  optimizer.steps = old.steps;
  checkpoint.state.optimizer = std::move(optimizer);
  if (training().bf16_weights) round_weights(parameters(weights()));
}

// A validation at the last step, and with `usage` the experts' record, are of the model that was.
void ModelEditor::State::forget_figures(bool usage) {
  TrainingHistory& history = checkpoint.state.history;
  std::erase_if(history.validations, [&](const ValidationRecord& record) {
    return record.step == checkpoint.state.step;
  });
  if (usage) history.usage.clear();
}

ModelEditor::ModelEditor(const fs::path& checkpoint, const fs::path& text, int threads) {
  require_vector_instructions();
  state_ = std::make_unique<State>(checkpoint, text, threads);
}

ModelEditor::~ModelEditor() = default;

const MoeGptConfig& ModelEditor::config() const { return state_->config(); }
const TrainingConfig& ModelEditor::training() const { return state_->training(); }
int ModelEditor::steps() const { return state_->checkpoint.state.step; }
bool ModelEditor::was_trained_on_text() const { return state_->was_trained_on_text; }

ModelFigures ModelEditor::figures() const {
  ModelFigures figures;
  figures.moe_layers = config().num_moe_layers();
  if (figures.moe_layers > 0) figures.experts = config().router.num_experts;
  figures.parameters = account_parameters(config()).total();
  figures.loss = state_->judge(state_->parts().validation, training().validation_windows).loss;
  return figures;
}

void ModelEditor::prune(int kept) {
  at_flag("--prune", [&] { state_->change(plan_to_prune(config(), state_->count_usage(), kept)); });
}

void ModelEditor::add_copies(int count) {
  at_flag("--add", [&] {
    const RouterConfig& router = config().router;
    const auto usage = state_->count_usage();
    // As plan_to_prune has it.
    const bool grouped =
        router.type == RouterType::group_limited || router.type == RouterType::two_level;
    const int groups = grouped ? router.n_group : 1;
    if (count < 1 || count > router.num_experts || count % groups != 0) {
      throw base::Error("experts",
                        "a layer of " + std::to_string(router.num_experts) + " experts in " +
                            std::to_string(groups) + (groups == 1 ? " group" : " groups") +
                            " cannot have " + std::to_string(count) + " of them copied",
                        "use a multiple of the groups up to the number of experts");
    }
    state_->change(plan_to_copy(config(), plan_to_prune(config(), usage, count), groups));
  });
}

void ModelEditor::remove(std::span<const int> experts) {
  at_flag("--remove", [&] { state_->change(plan_to_remove(config(), experts)); });
}

DistilledLayer ModelEditor::distill(int steps) {
  State& state = *state_;
  DistilledLayer distilled;
  at_flag("--distill", [&] {
    if (steps < 1) {
      throw base::Error("steps", "there is no step to distill", "use at least 1");
    }
    MoeGptConfig changed = config();
    if (changed.num_moe_layers() == changed.num_hidden_layers) {
      changed.intermediate_size = dense_counterpart(changed).intermediate_size;
    }
    TrainingConfig training = state.training();
    training.steps = steps;
    training.warm_up_steps = std::min(training.warm_up_steps, steps / 10);
    // A lesson has none of these.
    training.validation_every = 0;
    training.checkpoint_every = 0;
    training.recompute_activations = false;
    training.learning_rate_of.clear();
    training.expert_learning_rates.clear();
    int layer = 0;
    while (layer + 1 < changed.num_hidden_layers && !changed.is_moe_layer(layer)) ++layer;
    state.replace_layer(layer, [&] {
      const DistillationReport report =
          distill_first_moe_layer(training, state.text, state.threads, changed, state.weights());
      distilled = {report.layer, report.loss_after / report.target_size};
      state.config() = changed;
    });
    auto& rates = state.training().expert_learning_rates;
    if (!rates.empty()) rates[static_cast<std::size_t>(distilled.layer)].clear();
    if (!changed.use_moe) rates.clear();
    state.forget_figures(true);
  });
  return distilled;
}

ImportedLayer ModelEditor::import_layer(const PublishedLayer& published) {
  State& state = *state_;
  const int into = published.into;
  if (into < 0 || into >= config().num_hidden_layers || !config().is_moe_layer(into)) {
    std::string layers;
    for (int layer = 0; layer < config().num_hidden_layers; ++layer) {
      if (!config().is_moe_layer(layer)) continue;
      layers += (layers.empty() ? "" : ", ") + std::to_string(layer);
    }
    throw base::Error("--into", std::to_string(into) + " is not a MoE layer of this model",
                      layers.empty() ? "use a model with experts" : "its MoE layers are " + layers);
  }
  if (published.shards.empty() || published.layer < 0) {
    throw base::Error("--layer", "there is no layer to import", "name a shard and a layer from 0");
  }
  HfMoeLayer theirs = import_hf_layer(published.shards, published.layer);
  const ImportedLayer imported{theirs.has_gated_shared_expert};
  MoeLayerWeights<float>& ours = state.weights().blocks[into].moe;
  MoeLayerWeights<float> layer = fitted_layer(config(), std::move(theirs), ours, "--import-shard");
  state.replace_layer(into, [&] { ours = std::move(layer); });
  state.forget_figures(false);
  return imported;
}

void ModelEditor::save(const fs::path& checkpoints) const {
  save_checkpoint(checkpoints, state_->checkpoint.subject, state_->checkpoint.state);
}

}  // namespace moesim::model
