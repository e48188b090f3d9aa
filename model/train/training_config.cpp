// SPDX-License-Identifier: Apache-2.0
#include "model/train/training_config.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/named_table.h"
#include "model/parameter_account.h"

namespace moesim::model {
namespace {

constexpr double kMostSteps = 1e8;
constexpr double kMostSequences = 65536;
constexpr double kMaxRate = 1e30;
// The longest window then asks for a text of 10^12 bytes.
constexpr double kLeastHeldOut = 1e-6;
constexpr double kMostHeldOut = 0.5;
// 160 GB with gradient and moments, 4 bytes each.
constexpr std::int64_t kMostParameters = 10'000'000'000;

void describe_length(base::FieldTable& table, TrainingConfig& training) {
  table.field("steps", training.steps, "Optimizer steps of the whole run.")
      .at_least(0)
      .at_most(kMostSteps);
  table.field("batch_size", training.batch_size, "Sequences of one step.")
      .at_least(1)
      .at_most(kMostSequences);
  table
      .field("micro_batches", training.micro_batches,
             "Passes that a step's sequences are cut into, their gradients added; divides "
             "batch_size. Capacity and balancing losses are over the tokens of one pass.")
      .alias("gradient_accumulation_steps")
      .at_least(1)
      .at_most(kMostSequences);
}

void describe_rates(base::FieldTable& table, TrainingConfig& training) {
  table.field("learning_rate", training.learning_rate, "Peak learning rate, after warm-up.")
      .alias("lr")
      .above(0)
      .at_most(kMaxRate);
  table.field("schedule", training.schedule, "What the learning rate does after warm-up.")
      .alias("lr_scheduler_type");
  table
      .field("min_learning_rate_ratio", training.min_learning_rate_ratio,
             "The learning rate after the last step, as a part of the peak.")
      .at_least(0)
      .at_most(1)
      .used_when(training.schedule == ScheduleType::cosine, "schedule is cosine");
  table
      .field("warm_up_steps", training.warm_up_steps,
             "First steps, over which the learning rate rises from 0 in a straight line.")
      .alias("warmup_steps")
      .at_least(0)
      .at_most(kMostSteps);
  table
      .field("learning_rate_of", training.learning_rate_of,
             "Multipliers of the learning rate by parameter group (embedding, attention, norm, "
             "router, expert, feed_forward, head); 1 where absent, 0 freezes the group.")
      .at_least(0)
      .at_most(kMaxRate);
  table
      .field("expert_learning_rates", training.expert_learning_rates,
             "Further multipliers for each expert: a list for each layer, with one number for "
             "each expert; an empty list = all 1.")
      .at_least(0)
      .at_most(kMaxRate);
}

void describe_optimizer(base::FieldTable& table, TrainingConfig& training) {
  const bool adamw = training.optimizer == OptimizerType::adamw;
  const double below_one = 1 - 1e-12;
  table.field("optimizer", training.optimizer, "How gradients become steps.");
  table.field("beta1", training.beta1, "Decay of the first moment.")
      .alias("adam_beta1")
      .at_least(0)
      .at_most(below_one)
      .used_when(adamw, "optimizer is adamw");
  table.field("beta2", training.beta2, "Decay of the second moment.")
      .alias("adam_beta2")
      .at_least(0)
      .at_most(below_one)
      .used_when(adamw, "optimizer is adamw");
  table.field("epsilon", training.epsilon, "Added to the square root of the second moment.")
      .alias("adam_epsilon")
      .above(0)
      .at_most(1)
      .used_when(adamw, "optimizer is adamw");
  table.field("momentum", training.momentum, "Decay of the velocity.")
      .at_least(0)
      .at_most(below_one)
      .used_when(!adamw, "optimizer is sgd");
  table
      .field("weight_decay", training.weight_decay,
             "Part of a matrix that a step at learning rate 1 takes away; norms and biases keep "
             "theirs.")
      .at_least(0)
      .at_most(1e3);
  table
      .field("clip_grad_norm", training.clip_grad_norm,
             "The largest norm of all gradients together; longer ones are scaled down to it. 0 = "
             "no limit.")
      .alias("max_grad_norm")
      .at_least(0)
      .at_most(kMaxRate);
}

void describe_precision(base::FieldTable& table, TrainingConfig& training) {
  table.field("bf16_weights", training.bf16_weights,
              "Round the weights to bf16 after every step; the optimizer keeps them in fp32.");
  table
      .field("recompute_activations", training.recompute_activations,
             "Keep a block's input only and run the block again for its gradient: less memory, the "
             "same bits.")
      .alias("gradient_checkpointing");
}

void describe_run(base::FieldTable& table, TrainingConfig& training) {
  table.field("seed", training.seed, "Seed of the first weights, the batches and all dropout.");
  table
      .field("validation_fraction", training.validation_fraction,
             "The last part of the text, held out from training.")
      .at_least(kLeastHeldOut)
      .at_most(kMostHeldOut);
  table
      .field("validation_every", training.validation_every,
             "Steps between validations; 0 = after the last step only.")
      .alias("eval_steps")
      .at_least(0)
      .at_most(kMostSteps);
  table
      .field("validation_windows", training.validation_windows,
             "Windows of a validation, at most, spread evenly over the held-out part.")
      .at_least(1)
      .at_most(kMostSequences);
  table
      .field("checkpoint_every", training.checkpoint_every,
             "Steps between checkpoints; 0 = after the last step only.")
      .alias("save_steps")
      .at_least(0)
      .at_most(kMostSteps);
}

void validate_groups(const TrainingConfig& training, const std::string& where) {
  const std::vector<std::string> known(kParameterGroupNames.begin(), kParameterGroupNames.end());
  for (const auto& [group, rate] : training.learning_rate_of) {
    if (std::find(known.begin(), known.end(), group) != known.end()) continue;
    std::string list;
    for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
    const std::string nearest = base::did_you_mean(group, known);
    throw base::Error(where + "/learning_rate_of/" + group,
                      "there is no parameter group \"" + group + "\"",
                      (nearest.empty() ? "" : nearest + " ") + "one of " + list);
  }
}

// "", or why the model has no parameter of the group.
std::string what_lacks(const MoeGptConfig& model, const std::string& group) {
  const bool of_moe = group == "router" || group == "expert";
  if (of_moe && !model.use_moe) return "the model has no experts";
  if (group == "router" && !has_gate(model.router)) return "its router has no gate";
  if (group == "head" && model.tie_word_embeddings) return "its head is the token embedding";
  const bool any_dense = model.num_moe_layers() < model.num_hidden_layers;
  if (group == "feed_forward" && !any_dense && model.n_shared_experts == 0) {
    return "it has neither dense layers nor shared experts";
  }
  return {};
}

void validate_groups_of(const MoeGptConfig& model, const TrainingConfig& training,
                        const std::string& where) {
  for (const auto& [group, rate] : training.learning_rate_of) {
    const std::string lacks = what_lacks(model, group);
    if (lacks.empty()) continue;
    throw base::Error(where + "/learning_rate_of/" + group, "nothing learns at this rate: " + lacks,
                      "remove it");
  }
}

void validate_expert_rates(const MoeGptConfig& model, const TrainingConfig& training,
                           const std::string& where) {
  const std::vector<std::vector<double>>& lists = training.expert_learning_rates;
  if (lists.empty()) return;
  const std::string place = where + "/expert_learning_rates";
  if (!model.use_moe) throw base::Error(place, "the model has no experts", "remove it");
  for (int layer = 0; layer < static_cast<int>(lists.size()); ++layer) {
    const std::vector<double>& rates = lists[static_cast<std::size_t>(layer)];
    const std::string of_list = place + "/" + std::to_string(layer);
    if (layer >= model.num_hidden_layers) {
      throw base::Error(of_list,
                        "there are " + std::to_string(lists.size()) + " lists for " +
                            std::to_string(model.num_hidden_layers) + " layers",
                        "give one list for each layer");
    }
    if (rates.empty()) continue;
    if (!model.is_moe_layer(layer)) {
      throw base::Error(of_list, "layer " + std::to_string(layer) + " is dense",
                        "give an empty list for it");
    }
    if (static_cast<int>(rates.size()) == model.router.num_experts) continue;
    throw base::Error(of_list,
                      std::to_string(rates.size()) + " multipliers for " +
                          std::to_string(model.router.num_experts) + " experts",
                      "give one for each expert, or none");
  }
  for (int layer = static_cast<int>(lists.size()); layer < model.num_hidden_layers; ++layer) {
    if (!model.is_moe_layer(layer)) continue;
    throw base::Error(place,
                      "there are " + std::to_string(lists.size()) + " lists, and layer " +
                          std::to_string(layer) + " has experts",
                      "give one list for each layer; an empty one for layers without experts");
  }
}

// Pairs of a token and an expert, and of a token and a head, are counted in 32 bits.
void validate_pass(const MoeGptConfig& model, const TrainingConfig& training,
                   const std::string& where) {
  const std::int64_t tokens =
      std::int64_t{training.batch_size / training.micro_batches} * model.seq_length;
  // Under expert_choice all experts may choose one token.
  const RouterConfig& router = model.router;
  const int slots = router.type == RouterType::expert_choice ? router.num_experts : router.top_k;
  const int width = std::max(model.num_attention_heads, model.use_moe ? slots : 0);
  const std::int64_t most = std::numeric_limits<std::int32_t>::max() / width;
  if (tokens <= most) return;
  throw base::Error(where + "/batch_size",
                    "a pass of " + std::to_string(tokens) + " tokens, where at most " +
                        std::to_string(most) + " can be counted with " + std::to_string(width) +
                        " experts or heads each",
                    "lower batch_size or seq_length, or raise micro_batches");
}

void validate_size(const MoeGptConfig& model, const std::string& where) {
  const std::int64_t parameters = account_parameters(model).total();
  if (parameters <= kMostParameters) return;
  throw base::Error(where,
                    "the model has " + std::to_string(parameters) + " parameters, and at most " +
                        std::to_string(kMostParameters) + " can be trained here",
                    "lower hidden_size, num_hidden_layers, num_experts or the intermediate sizes");
}

}  // namespace

base::EnumNames<OptimizerType> names_of(OptimizerType) {
  return {{OptimizerType::adamw, "adamw"}, {OptimizerType::sgd, "sgd"}};
}

base::EnumNames<ScheduleType> names_of(ScheduleType) {
  return {{ScheduleType::cosine, "cosine"}, {ScheduleType::constant, "constant"}};
}

void describe(base::FieldTable& table, TrainingConfig& training) {
  table.title("training", "How a MoE-GPT is trained.");
  describe_length(table, training);
  describe_rates(table, training);
  describe_optimizer(table, training);
  describe_precision(table, training);
  describe_run(table, training);
}

void validate(const TrainingConfig& training, const std::string& where) {
  if (training.batch_size % training.micro_batches != 0) {
    throw base::Error(where + "/micro_batches",
                      std::to_string(training.micro_batches) + " micro-batches do not divide " +
                          std::to_string(training.batch_size) + " sequences",
                      "choose a divisor of batch_size");
  }
  const double held_out = training.validation_fraction;
  if (!(held_out >= kLeastHeldOut && held_out <= kMostHeldOut)) {
    throw base::Error(where + "/validation_fraction",
                      std::to_string(held_out) + " of the text cannot be held out",
                      "use 1e-6 to 0.5");
  }
  validate_groups(training, where);
}

void validate(const MoeGptConfig& model, const TrainingConfig& training, const std::string& where) {
  validate(model, where + "/model");
  const std::string of_training = where + "/training";
  validate(training, of_training);
  validate_groups_of(model, training, of_training);
  validate_expert_rates(model, training, of_training);
  validate_pass(model, training, of_training);
  validate_size(model, where + "/model");
}

}  // namespace moesim::model
