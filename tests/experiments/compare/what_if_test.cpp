// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/what_if.h"

#include <gtest/gtest.h>

#include "tests/experiments/compare/example_subjects.h"

namespace moesim::experiments {
namespace {

TEST(WhatIf, TimesAreThoseOfTheStepsThemselves) {
  const Subject subject = small_subject({"network.fidelity=analytic"});
  RoutedSteps batches({});
  WhatIf what_if(subject.experiment.scenario, batches);
  EXPECT_EQ(what_if.step_time({}), run(subject.experiment.scenario).result.step_time_s);
  EXPECT_EQ(what_if.figures().step_time_s, what_if.step_time({}));
  sim::RunOptions free;
  free.counterfactual.infinite_network = true;
  EXPECT_EQ(what_if.step_time(free.counterfactual),
            run(subject.experiment.scenario, free).result.step_time_s);
  EXPECT_EQ(what_if.step_time({.infinite_network = true, .infinite_compute = true}), 0);
}

// SimGrid's engine is one per process.
TEST(WhatIf, SimulatesAgainAndAgain) {
  const Subject subject = small_subject({"network.fidelity=flow"});
  RoutedSteps batches({});
  WhatIf what_if(subject.experiment.scenario, batches);
  EXPECT_GT(what_if.step_time({}), what_if.step_time({.infinite_compute = true}));
  EXPECT_EQ(what_if.read_run([](const sim::Run& run) { return run.result.scenario.fidelity; }),
            "flow");
}

TEST(WhatIf, PointsThatRoutingCannotTellApartShareTheirBatch) {
  RoutedSteps batches({});
  const Subject plain = small_subject();
  const Subject thin = small_subject({"cluster.fabric.oversubscription=4"});
  const Subject seeded = small_subject({"router.seed=1"});
  const Subject larger = small_subject({"cluster.num_nodes=1"});
  sim::RoutedStep& batch = batches.of(plain.experiment.scenario);
  EXPECT_EQ(&batch, &batches.of(thin.experiment.scenario));
  EXPECT_NE(&batch, &batches.of(seeded.experiment.scenario));
  EXPECT_NE(&batch, &batches.of(larger.experiment.scenario));
}

}  // namespace
}  // namespace moesim::experiments
