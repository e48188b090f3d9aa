// SPDX-License-Identifier: Apache-2.0
// The figures of a result by name: which of them an experiment wants high or low, and which it
// bounds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "experiments/figure_bound.h"

namespace moesim::experiments {

enum class Direction { max, min };

base::EnumNames<Direction> names_of(Direction);

// Dotted names of figures and what is wanted of each.
using Objectives = std::map<std::string, Direction>;

struct Objective {
  std::string figure;
  Direction direction = Direction::max;
};

// What a figure may be, both ends included, in the figure's unit.
struct Bounds {
  std::optional<double> min;
  std::optional<double> max;
};

// Dotted names of figures and what they may be, and the same as a file writes it.
using Constraints = std::map<std::string, Bounds>;
using WrittenConstraints = std::map<std::string, WrittenBounds>;

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

// Where the document's section "objectives" or "constraints" names the figure, for errors.
std::string place_of_figure(const base::JsonValue& document, const std::string& section,
                            const std::string& figure);

// Throws base::Error, placed in the document, where an objective names no figure.
void check_objectives(const base::JsonValue& document, const Objectives& objectives);

// The constraints in the figures' own units. Throws the same, and where one bounds nothing, has a
// quantity that is none of its figure's, or leaves no value between its ends.
Constraints read_constraints(const base::JsonValue& document,
                             const WrittenConstraints& constraints);

// Puts "drop_rate=min" among the document's objectives, in place of the file's of the same figure.
// Throws base::Error{"--objective ...", ...} for what is no such assignment and for a figure that a
// flag has set before; figures are checked later.
void add_objective(base::JsonValue& document, const std::string& assignment);

// Puts "drop_rate<=0.02" or "step_time_s<=2 ms" among the document's constraints; the same of
// errors, at
// "--constraint ...".
void add_constraint(base::JsonValue& document, const std::string& condition);

}  // namespace moesim::experiments
