// SPDX-License-Identifier: Apache-2.0
#include "model/train/training_config.h"

#include <gtest/gtest.h>

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
        R"({"epsilon": 0})", R"({"validation_fraction": 0.9})",
        R"({"expert_learning_rates": [[-1]]})", R"({"learning_rate_of": {"head": -1}})"}) {
    EXPECT_THROW(read(text), base::Error) << text;
  }
}

}  // namespace
}  // namespace moesim::model
