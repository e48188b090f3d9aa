// SPDX-License-Identifier: Apache-2.0
// Which inputs two resolved configurations differ in.
#pragma once

#include <string>
#include <vector>

#include "base/json_reader.h"

namespace moesim::experiments {

struct InputDifference {
  std::string key;    // dotted: "cluster.fabric.oversubscription"
  base::JsonValue a;  // null where the key has no effect there
  base::JsonValue b;
};

void describe(base::FieldTable& table, InputDifference& difference);

// In the order of the keys. Left out is what decides no figure: names, presets' names (their values
// are compared), sources, the question, and what is written.
std::vector<InputDifference> input_differences(const base::JsonValue& a, const base::JsonValue& b);

// The sections, in their order: "cluster", "comm", ...
std::vector<std::string> sections_of(const std::vector<InputDifference>& differences);

// What of them makes the two batches or their routes different ones, so that a part of any
// difference is chance: seeds, where the routing comes from, and where a gate is trained, all that
// its training hangs on.
std::vector<std::string> keys_of_chance(const std::vector<InputDifference>& differences,
                                        bool gate_is_trained);

}  // namespace moesim::experiments
