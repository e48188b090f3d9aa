// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/explanation.h"

#include "experiments/compare/attribution.h"
#include "experiments/compare/step_story.h"

namespace moesim::experiments {

void describe(base::FieldTable& table, CauseShare& share) {
  table.title("cause_share", "What a cause has of the step.");
  table.field("cause", share.cause, "The cause.");
  table.field("part_s", share.part_s, "Its Shapley value; all sum to the step time.");
  table.field("without_s", share.without_s, "Step time without this cause alone.");
}

void describe(base::FieldTable& table, PathGroup& group) {
  table.title("path_group", "Operations of one phase on the critical path.");
  table.field("phase", group.phase, "The phase.");
  table.field("is_network", group.is_network, "Collectives, not computations.");
  table.field("time_s", group.time_s, "Their time on the path.");
  table.field("operations", group.operations, "How many they are.");
  table.field("rank", group.rank, "The rank that has most of that time; null for collectives.");
  table.field("rank_share", group.rank_share, "Its share of it.");
  table.field("over_mean_rank_s", group.over_mean_rank_s,
              "How much longer they take than on a mean rank.");
  table.field("longest", group.longest, "The longest of them.");
  table.field("longest_s", group.longest_s, "Its time.");
}

void describe(base::FieldTable& table, PathWait& wait) {
  table.title("path_wait", "A computation of the critical path that waits for a collective.");
  table.field("operation", wait.operation, "The computation.");
  table.field("rank", wait.rank, "Its rank; null where all ranks are alike.");
  table.field("waits_for", wait.waits_for, "The collective.");
  table.field("time_s", wait.time_s, "How long, from the moment all ranks were there.");
}

void describe(base::FieldTable& table, RankTimes& times) {
  table.title("rank_times", "A rank's step; the times sum to the step time.");
  table.field("rank", times.rank, "The rank; null: the mean.");
  table.field("computing_s", times.computing_s, "Its operations at full speed.");
  table.field("slowed_by_faults_s", times.slowed_by_faults_s, "What faults add to them.");
  table.field("communicating_s", times.communicating_s, "In collectives, its own traffic.");
  table.field("waiting_for_compute_s", times.waiting_for_compute_s,
              "Idle while another rank computes.");
  table.field("waiting_for_faults_s", times.waiting_for_faults_s, "What faults add to that.");
  table.field("waiting_for_network_s", times.waiting_for_network_s,
              "Idle while others' traffic moves.");
}

void describe(base::FieldTable& table, WaitedFor& waited) {
  table.title("waited_for", "A rank that others wait for.");
  table.field("rank", waited.rank, "The rank.");
  table.field("time_s", waited.time_s, "How long a mean rank idles while it computes.");
}

void describe(base::FieldTable& table, HotRankFigures& hot) {
  table.title("hot_rank", "A rank with more than its share.");
  table.field("rank", hot.rank, "The rank.");
  table.field("moe_layers", hot.moe_layers, "MoE layers in which it stands out.");
  table.field("over_mean", hot.over_mean, "Its kept pairs there / the mean rank's.");
}

void describe(base::FieldTable& table, HotExpertFigures& hot) {
  table.title("hot_expert", "An expert with more than its share.");
  table.field("moe_layer", hot.moe_layer, "MoE layer, from 0.");
  table.field("expert", hot.expert, "The expert.");
  table.field("rank", hot.rank, "The rank of the first group that holds it.");
  table.field("over_mean", hot.over_mean, "Its kept pairs / the mean expert's of the layer.");
}

void describe(base::FieldTable& table, Explanation& e) {
  table.title("explanation", "Why a point takes the time it takes.");
  table.field("title", e.title, "The experiment and the point.");
  table.field("verdict", e.verdict, "The answer in sentences.");
  table.field("warnings", e.warnings, "What to know before trusting it.");
  table.field("step_time_s", e.step_time_s, "Simulated time of one training step.");
  table.field("num_moe_layers", e.num_moe_layers, "MoE layers of the model.");
  table.field("causes", e.causes, "What the step's time is made of.");
  table.field("path", e.path, "The critical path by phase.");
  table.field("waits", e.waits, "Its longest waits for collectives.");
  table.field("mean_rank", e.mean_rank, "A mean rank's step.");
  table.field("ranks", e.ranks, "Every rank's step.");
  table.field("waited_for", e.waited_for, "Ranks that others wait for.");
  table.field("hot_ranks", e.hot_ranks, "Ranks with more than their share.");
  table.field("hot_experts", e.hot_experts, "Experts with more than their share.");
  table.field("cost_source", e.cost_source, "Where the times of computation come from.");
  table.field("deciding_tier", e.deciding_tier, "What the collectives waited for most.");
  table.field("link_tiers", e.link_tiers, "The links by kind and height.");
  table.field("hottest_links", e.hottest_links, "The links with the highest busy_fraction.");
  table.field("sensitivity", e.sensitivity, "Which numbers of the input it hangs on.");
}

Explanation explain_point(const Subject& subject, const sim::RunOptions& options,
                          bool vary_inputs) {
  RoutedSteps batches(options);
  WhatIf what_if(subject.experiment.scenario, batches);
  const sim::StepPlans& plans = what_if.plans();
  const std::string told = what_if.read_run([&](const sim::Run& run) {
    Explanation of_run;
    tell_step(run, plans, of_run);
    return to_text(base::to_json(of_run), base::JsonStyle::compact);
  });
  Explanation explanation;
  base::ReadReport report;
  base::read_json(base::parse_json(told, "child process"), explanation, report);
  explanation.title = subject.title;
  if (const auto warning =
          age_warning(subject, "the run", explanation.step_time_s, explanation.cost_source)) {
    explanation.warnings.push_back(*warning);
  }
  const std::vector<double> parts = parts_by_cause(what_if);
  const std::vector<double> without = step_times_without(what_if);
  for (std::size_t i = 0; i < kCauses.size(); ++i) {
    explanation.causes.push_back({std::string(kCauses[i].name), parts[i], without[i]});
  }
  explanation.verdict = verdict_of(explanation);
  if (vary_inputs) explanation.sensitivity = input_sensitivity(subject, what_if);
  return explanation;
}

}  // namespace moesim::experiments
