// SPDX-License-Identifier: Apache-2.0
// The figures of a result by name, and which of them an experiment wants high or low.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json_reader.h"

namespace moesim::experiments {

enum class Direction { max, min };

base::EnumNames<Direction> names_of(Direction);

// Dotted names of figures and what is wanted of each.
using Objectives = std::map<std::string, Direction>;

struct Objective {
  std::string figure;
  Direction direction = Direction::max;
};

// The objectives in the order that the document names them in.
std::vector<Objective> in_order(const base::JsonValue& document, const Objectives& objectives);

// A number of a result by its dotted key.
struct NamedFigure {
  std::string name;  // "all_to_all.busbw_gbps"
  std::string docs;  // what the reference page says of it
  bool is_family;    // the name stands for all keys below it: "phase_time_s"
};

// All numbers of a result outside lists and `scenario`, in the reference page's order.
std::vector<NamedFigure> result_figures();

// Throws base::Error, placed in the document, where an objective names no figure.
void check_objectives(const base::JsonValue& document, const Objectives& objectives);

}  // namespace moesim::experiments
