// SPDX-License-Identifier: Apache-2.0
// How well weights predict a text, and how they route it.
#pragma once

#include <cstdint>
#include <span>

#include "model/layers/moe_gpt_weights.h"
#include "model/pass.h"
#include "model/trained_gpt.h"

namespace moesim::model {

// A model as it is judged.
struct JudgedModel {
  const MoeGptWeights<float>& weights;
  const MoeGptConfig& config;
  const Pass<float>& pass;
};

// TrainedGpt::judge of these weights.
TextJudgement judge_text(const JudgedModel& model, std::span<const std::uint8_t> text, int windows);

}  // namespace moesim::model
