// SPDX-License-Identifier: Apache-2.0
// Which numbers of the input the step time hangs on: each varied by itself, the batch kept.
#pragma once

#include <string>
#include <vector>

#include "base/json_reader.h"
#include "experiments/compare/subject.h"
#include "experiments/compare/what_if.h"

namespace moesim::experiments {

// One number varied.
struct InputEffect {
  std::string key;      // dotted
  std::string from;     // as the configuration has it
  std::string to;       // a tenth more; less where more cannot be
  double relative = 0;  // step time with it / step time - 1
};

struct InputSensitivity {
  std::vector<InputEffect> effects;         // the largest change first
  std::vector<std::string> without_effect;  // keys that change the step by less than kNoEffect
  std::vector<std::string> not_varied;      // "key: why not"
};

inline constexpr double kVariation = 1.1;
inline constexpr double kNoEffect = 1e-3;

void describe(base::FieldTable& table, InputEffect& effect);
void describe(base::FieldTable& table, InputSensitivity& sensitivity);

// Varies every quantity with a unit of the sections model, cluster and comm that is not 0, and the
// plain numbers of these that are sizes, shares or exponents (kPlainNumbers). Numbers that the
// choices of tokens hang on, or how ranks are joined, are not varied; nor are faults and jobs.
// Where there are jobs, which have a model and a library of their own, the cluster alone is.
InputSensitivity input_sensitivity(const Subject& subject, WhatIf& what_if);

}  // namespace moesim::experiments
