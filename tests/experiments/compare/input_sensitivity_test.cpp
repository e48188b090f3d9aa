// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/input_sensitivity.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/experiments/compare/example_subjects.h"

namespace moesim::experiments {
namespace {

InputSensitivity sensitivity_of(const Subject& subject) {
  RoutedSteps batches({});
  WhatIf what_if(subject.experiment.scenario, batches);
  return input_sensitivity(subject, what_if);
}

const InputEffect& effect_of(const InputSensitivity& sensitivity, const std::string& key) {
  const auto found = std::find_if(sensitivity.effects.begin(), sensitivity.effects.end(),
                                  [&](const InputEffect& effect) { return effect.key == key; });
  EXPECT_NE(found, sensitivity.effects.end()) << key;
  return *found;
}

bool is_without_effect(const InputSensitivity& sensitivity, const std::string& key) {
  const auto& keys = sensitivity.without_effect;
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Five collectives of 1 ms more each, beside less than 1 ms of everything else: a tenth of that is
// nearly a tenth of the step.
TEST(InputSensitivity, TheStepHangsOnWhatItIsMadeOf) {
  const Subject subject = small_subject({"comm.kernel_latency=1 ms"});
  const InputSensitivity sensitivity = sensitivity_of(subject);
  EXPECT_EQ(sensitivity.effects.front().key, "comm.kernel_latency");
  EXPECT_EQ(sensitivity.effects.front().from, "1 ms");
  EXPECT_EQ(sensitivity.effects.front().to, "1.1 ms");
  RoutedSteps batches({});
  const double step = WhatIf(subject.experiment.scenario, batches).step_time({});
  EXPECT_NEAR(sensitivity.effects.front().relative, 5 * 0.1e-3 / step, 1e-9);
  EXPECT_TRUE(is_without_effect(sensitivity, "cluster.node.accelerator.memory"));
  EXPECT_TRUE(is_without_effect(sensitivity, "cluster.node.accelerator.peak_bf16"));
  EXPECT_FALSE(is_without_effect(sensitivity, "comm.kernel_latency"));
}

TEST(InputSensitivity, WhatCannotBeMoreIsMadeLess) {
  const InputSensitivity sensitivity = sensitivity_of(small_subject());
  const InputEffect& efficiency = effect_of(sensitivity, "comm.network_efficiency");
  EXPECT_EQ(efficiency.from, "1");
  EXPECT_EQ(efficiency.to, "0.909091");
  EXPECT_GT(efficiency.relative, 0);
}

TEST(InputSensitivity, WidthsAreVariedAndSizesOfTheBatchAreNot) {
  const InputSensitivity sensitivity = sensitivity_of(small_subject());
  EXPECT_EQ(effect_of(sensitivity, "model.hidden_size").to, "282");
  for (const InputEffect& effect : sensitivity.effects) {
    EXPECT_NE(effect.key, "model.num_experts");
    EXPECT_NE(effect.key, "cluster.num_nodes");
    EXPECT_NE(effect.key, "comm.kernel_latency");  // it is 0
  }
}

TEST(InputSensitivity, WithJobsTheClusterAloneIsVaried) {
  const InputSensitivity sensitivity =
      sensitivity_of(small_subject({R"(jobs=[{"name": "a", "nodes": [0]}])"}));
  ASSERT_FALSE(sensitivity.effects.empty());
  for (const InputEffect& effect : sensitivity.effects) {
    EXPECT_EQ(effect.key.rfind("cluster.", 0), 0U) << effect.key;
  }
}

}  // namespace
}  // namespace moesim::experiments
