// SPDX-License-Identifier: Apache-2.0
#include "model/train/training_config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/json_value.h"

namespace moesim::model {
namespace {

TrainingConfig read(const std::string& text) {
  TrainingConfig training;
  base::ReadReport report;
  base::read_json(base::parse_json(text, "file"), training, report);
  return training;
}

TEST(TrainingConfigFile, KeysAreRead) {
  const TrainingConfig training = read(R"({"steps": 7, "optimizer": "sgd", "momentum": 0.5,
      "schedule": "constant", "learning_rate_of": {"router": 0.1, "expert": 2},
      "expert_learning_rates": [[], [1, 0.5]], "bf16_weights": true})");
  EXPECT_EQ(training.steps, 7);
  EXPECT_EQ(training.optimizer, OptimizerType::sgd);
  EXPECT_EQ(training.momentum, 0.5);
  EXPECT_EQ(training.schedule, ScheduleType::constant);
  EXPECT_EQ(training.learning_rate_of.at("router"), 0.1);
  EXPECT_EQ(training.expert_learning_rates, (std::vector<std::vector<double>>{{}, {1, 0.5}}));
  EXPECT_TRUE(training.bf16_weights);
}

TEST(TrainingConfigFile, WhatIsWrittenReadsBack) {
  TrainingConfig training = read(R"({"seed": 18446744073709551615, "beta2": 0.999,
      "expert_learning_rates": [[0.25]], "validation_every": 3})");
  EXPECT_EQ(read(base::write_json(training)), training);
  EXPECT_EQ(read("{}"), TrainingConfig{});
}

void expect_refused(const std::string& text, const std::string& place, const std::string& hint) {
  try {
    validate(read(text), "/training");
    ADD_FAILURE() << text;
  } catch (const base::Error& error) {
    EXPECT_NE(error.where().find(place), std::string::npos) << error.what();
    EXPECT_NE(error.hint().find(hint), std::string::npos) << error.what();
  }
}

TEST(TrainingConfigFile, SettingsThatContradictAreRefused) {
  expect_refused(R"({"batch_size": 8, "micro_batches": 3})", "/training/micro_batches", "divisor");
  expect_refused(R"({"learning_rate_of": {"experts": 1}})", "/training/learning_rate_of/experts",
                 "did you mean \"expert\"?");
  expect_refused(R"({"momentum": 0.5})", "/momentum", "remove it");
  expect_refused(R"({"optimizer": "sgd", "beta1": 0.5})", "/beta1", "remove it");
  expect_refused(R"({"schedule": "constant", "min_learning_rate_ratio": 0})",
                 "/min_learning_rate_ratio", "remove it");
  expect_refused(R"({"optimizer": "adam"})", "/optimizer", "did you mean \"adamw\"?");
}

TEST(TrainingConfigFile, NumbersOutOfBoundsAreRefused) {
  for (const char* text :
       {R"({"steps": -1})", R"({"batch_size": 0})", R"({"learning_rate": 0})", R"({"beta2": 1})",
        R"({"epsilon": 0})", R"({"validation_fraction": 0.9})", R"({"validation_fraction": 0})",
        R"({"validation_fraction": 9e-7})", R"({"expert_learning_rates": [[-1]]})",
        R"({"learning_rate_of": {"head": -1}})"}) {
    EXPECT_THROW(read(text), base::Error) << text;
  }
  EXPECT_EQ(read(R"({"validation_fraction": 1e-6})").validation_fraction, 1e-6);
}

TEST(TrainingConfigFile, AHeldOutPartOutOfBoundsIsRefusedWhereNoFileNamesItEither) {
  for (const double fraction : {0.0, 1e-300, 9e-7, 0.6, std::nan("")}) {
    TrainingConfig training;
    training.validation_fraction = fraction;
    EXPECT_THROW(validate(training, "/training"), base::Error) << fraction;
  }
}

// Three layers, of which the first is dense, and four experts with a trained gate.
MoeGptConfig mixed_model() {
  MoeGptConfig model;
  model.num_hidden_layers = 3;
  model.first_k_dense_replace = 1;
  model.router.num_experts = 4;
  return model;
}

void expect_misfit(const MoeGptConfig& model, const TrainingConfig& training,
                   const std::string& place, const std::string& what) {
  try {
    validate(model, training, "file");
    ADD_FAILURE() << "no error at " << place;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "file" + place) << error.what();
    EXPECT_NE(error.message().find(what), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

TEST(TrainingOfAModel, EveryPartsRateIsAcceptedWhereThePartIs) {
  MoeGptConfig model = mixed_model();
  model.tie_word_embeddings = false;
  TrainingConfig training;
  for (const char* group : kParameterGroupNames) training.learning_rate_of[group] = 0.5;
  training.expert_learning_rates = {{}, {1, 2, 3, 4}, {}};
  EXPECT_NO_THROW(validate(model, training, ""));
  model.first_k_dense_replace = 0;
  model.n_shared_experts = 1;
  EXPECT_NO_THROW(validate(model, training, ""));
}

TEST(TrainingOfAModel, ARateOfAPartThatIsNotThereIsRefused) {
  const auto refuse = [](const MoeGptConfig& model, const std::string& group,
                         const std::string& what) {
    TrainingConfig training;
    training.learning_rate_of[group] = 0.5;
    expect_misfit(model, training, "/training/learning_rate_of/" + group, what);
  };
  refuse(mixed_model(), "head", "token embedding");
  MoeGptConfig model = mixed_model();
  for (const RouterType type : {RouterType::hash, RouterType::random}) {
    model.router.type = type;
    refuse(model, "router", "no gate");
  }
  model = mixed_model();
  model.first_k_dense_replace = 0;
  refuse(model, "feed_forward", "neither dense layers nor shared experts");
  model.use_moe = false;
  refuse(model, "router", "no experts");
  refuse(model, "expert", "no experts");
}

TEST(TrainingOfAModel, ExpertRatesThatDoNotFitAreRefused) {
  const auto refuse = [](const MoeGptConfig& model, std::vector<std::vector<double>> rates,
                         const std::string& place, const std::string& what) {
    TrainingConfig training;
    training.expert_learning_rates = std::move(rates);
    expect_misfit(model, training, "/training/expert_learning_rates" + place, what);
  };
  refuse(mixed_model(), {{1, 1, 1, 1}, {}, {}}, "/0", "layer 0 is dense");
  refuse(mixed_model(), {{}, {}, {}, {}}, "/3", "4 lists for 3 layers");
  refuse(mixed_model(), {{}, {1, 1}, {}}, "/1", "2 multipliers for 4 experts");
  refuse(mixed_model(), {{}, {}}, "", "layer 2 has experts");
  MoeGptConfig dense;
  dense.use_moe = false;
  refuse(dense, {{}}, "", "no experts");
}

// 65536 sequences of 2^14 bytes with 2 experts each are 2^31 pairs, one too many; half of them in
// each of two passes is fine. Under expert_choice all 8 experts may choose a token.
TEST(TrainingOfAModel, APassThatCannotBeCountedIsRefused) {
  MoeGptConfig model;
  model.num_attention_heads = 2;
  model.seq_length = 1 << 14;
  TrainingConfig training;
  training.batch_size = 65536;
  expect_misfit(model, training, "/training/batch_size", "1073741824 tokens");
  training.micro_batches = 2;
  EXPECT_NO_THROW(validate(model, training, ""));
  model.router.type = RouterType::expert_choice;
  expect_misfit(model, training, "/training/batch_size", "with 8 experts");
  model.router.type = RouterType::top_k;
  model.num_attention_heads = 64;
  expect_misfit(model, training, "/training/batch_size", "with 64 experts or heads");
}

TEST(TrainingOfAModel, AModelThatNoMachineHoldsIsRefused) {
  MoeGptConfig model;
  model.hidden_size = 65536;
  model.num_hidden_layers = 64;
  expect_misfit(model, {}, "/model", "parameters");
}

}  // namespace
}  // namespace moesim::model
