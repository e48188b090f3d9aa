// SPDX-License-Identifier: Apache-2.0
#include "model/train/training_config.h"

#include <algorithm>

#include "base/error.h"
#include "base/named_table.h"

namespace moesim::model {
namespace {

constexpr double kMostSteps = 1e8;
constexpr double kMostSequences = 65536;
constexpr double kMaxRate = 1e30;

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
      .above(0)
      .at_most(0.5);
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
  validate_groups(training, where);
}

}  // namespace moesim::model
