// SPDX-License-Identifier: Apache-2.0
// Experts added, removed and pruned in a running model: routers, experts, configuration and what
// the optimizer remembers change together.
#pragma once

#include "base/rng.h"
#include "model/layers/moe_gpt_weights.h"
#include "model/surgery/expert_plan.h"
#include "model/train/trainer.h"

namespace moesim::model {

// Carries the plan out. A copy takes its source's router row, noise row and selection bias along; a
// fresh expert gets what random_moe_gpt gives. Throws base::Error as changed_config, and then
// changes nothing.
template <class S>
void change_experts(const ExpertPlan& plan, base::Rng& rng, MoeGptConfig& config,
                    MoeGptWeights<S>& weights);

// The same to a model in training: moments follow the weights (a copy's are its source's, a fresh
// expert's are zero), and with bf16 weights the fp32 masters are what is changed. The history's
// usage is cleared: its rows count the experts that were, and it begins anew with the next step.
// The state fits a Trainer of the new configuration.
void change_experts(const ExpertPlan& plan, base::Rng& rng, MoeGptConfig& config,
                    TrainerState& state);

}  // namespace moesim::model
