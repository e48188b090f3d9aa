// SPDX-License-Identifier: Apache-2.0
#include "experiments/objectives.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "sim/report/result.h"

namespace moesim::experiments {
namespace {

void collect(const base::FieldTable& table, const std::string& prefix,
             std::vector<NamedFigure>& figures) {
  for (const base::Field& field : table.fields()) {
    const std::string name = prefix + field.name();
    const std::string type = field.codec().type_name();
    if (name == "scenario" || type.starts_with("list")) continue;
    if (const auto inner = field.codec().described_struct()) {
      inner->with_default(
          [&](const base::FieldTable& fields) { collect(fields, name + ".", figures); });
    } else if (type.find("number") != std::string::npos || type == "integer") {
      figures.push_back({name, field.docs(), type.starts_with("object")});
    }
  }
}

bool names_figure(const std::string& name, const NamedFigure& figure) {
  return figure.is_family ? name.starts_with(figure.name + ".") : name == figure.name;
}

base::Error unknown_figure(const std::string& where, const std::string& name,
                           const std::vector<NamedFigure>& figures) {
  std::vector<std::string> known;
  for (const NamedFigure& figure : figures) known.push_back(figure.name);
  const std::string nearest = base::did_you_mean(name, known);
  return {where, "\"" + name + "\" is no figure of a result",
          nearest.empty() ? "docs/reference.md, \"Result keys\", lists them: \"drop_rate\", "
                            "\"phase_time_s.expert\""
                          : nearest};
}

void check_figure(const base::JsonValue& document, const std::string& section,
                  const std::string& name) {
  const std::vector<NamedFigure> figures = result_figures();
  const bool is_known = std::any_of(figures.begin(), figures.end(),
                                    [&](const auto& figure) { return names_figure(name, figure); });
  if (!is_known) throw unknown_figure(place_of_figure(document, section, name), name, figures);
}

// The value under the figure's name in a section of the document, made where there is none.
base::JsonValue& put(base::JsonValue& document, const std::string& section, const std::string& name,
                     const std::string& flag) {
  base::JsonValue* object = document.find(section);
  if (object == nullptr) object = &base::add_member(document, section, base::json_object());
  if (object->kind == base::JsonValue::Kind::null) *object = base::json_object();
  if (object->kind != base::JsonValue::Kind::object) {
    throw base::Error(flag, "\"" + section + "\" of the experiment is no object",
                      "write {\"drop_rate\": ...}");
  }
  if (base::JsonValue* value = object->find(name)) return *value;
  return base::add_member(*object, name, {});
}

// Where the figure is bounded: by a flag, where one says an end of it.
std::string place_of_bounds(const base::JsonValue& document, const std::string& figure,
                            const WrittenBounds& bounds) {
  for (const auto& [end, bound] : {std::pair{"max", &bounds.max}, {"min", &bounds.min}}) {
    if (!*bound || !(*bound)->written.place.is_override()) continue;
    return base::where_of((*bound)->written.place, "/constraints/" + figure + "/" + end);
  }
  return place_of_figure(document, "constraints", figure);
}

// Two flags that say different things of one figure: which is meant?
void refuse_second_flag(const base::JsonValue& before, const std::string& figure,
                        const std::string& flag) {
  if (!before.place.is_override()) return;
  throw base::Error(flag, before.place.text() + " has been given of " + figure + " before",
                    "leave one of the two out");
}

base::JsonValue with_place(base::JsonValue value, const std::string& flag) {
  value.place = {std::make_shared<const std::string>(flag), 0, 0};
  return value;
}

// A number, or a quantity as text.
base::JsonValue bound_of(const std::string& text, const std::string& flag) {
  try {
    base::JsonValue number = base::parse_json(text, flag);
    if (number.kind == base::JsonValue::Kind::number) return number;
  } catch (const base::Error&) {  // no number: its figure's unit says what it is
  }
  return base::json_of(text);
}

}  // namespace

base::EnumNames<Direction> names_of(Direction) {
  return {{Direction::max, "max"}, {Direction::min, "min"}};
}

std::vector<Objective> in_order(const base::JsonValue& document, const Objectives& objectives) {
  std::vector<Objective> ordered;
  const base::JsonValue* section = document.find("objectives");
  if (section == nullptr) return ordered;
  for (const base::JsonMember& member : section->members) {
    const auto found = objectives.find(member.key);
    if (found != objectives.end()) ordered.push_back({found->first, found->second});
  }
  return ordered;
}

std::vector<NamedFigure> result_figures() {
  std::vector<NamedFigure> figures;
  base::struct_codec_of<sim::Result>()->with_default(
      [&](const base::FieldTable& table) { collect(table, "", figures); });
  return figures;
}

std::string place_of_figure(const base::JsonValue& document, const std::string& section,
                            const std::string& figure) {
  const base::JsonValue* found = document.find(section);
  const base::JsonValue* value = found != nullptr ? found->find(figure) : nullptr;
  return base::where_of(value != nullptr ? value->place : document.place,
                        "/" + section + "/" + figure);
}

void check_objectives(const base::JsonValue& document, const Objectives& objectives) {
  for (const auto& [name, direction] : objectives) check_figure(document, "objectives", name);
}

Constraints read_constraints(const base::JsonValue& document,
                             const WrittenConstraints& constraints) {
  Constraints read;
  for (const auto& [name, written] : constraints) {
    check_figure(document, "constraints", name);
    const std::string where = place_of_bounds(document, name, written);
    if (!written.min && !written.max) {
      throw base::Error(where, "bounds nothing", "write {\"max\": 0.02} or {\"min\": 0.3}");
    }
    const auto in_unit = [&, &figure = name](const FigureBound& bound, const char* end) {
      const std::string pointer = "/constraints/" + figure + "/" + end;
      return bound_in_unit(figure, bound, base::where_of(bound.written.place, pointer));
    };
    Bounds& bounds = read[name];
    if (written.min) bounds.min = in_unit(*written.min, "min");
    if (written.max) bounds.max = in_unit(*written.max, "max");
    if (bounds.min && bounds.max && *bounds.min > *bounds.max) {
      throw base::Error(
          where,
          fmt::format("no {} is at least {:g} and at most {:g}", name, *bounds.min, *bounds.max),
          "swap the two, or take one away");
    }
  }
  return read;
}

void add_objective(base::JsonValue& document, const std::string& assignment) {
  const std::string flag = "--objective " + assignment;
  const std::size_t equals = assignment.find('=');
  const std::string direction = equals < assignment.size() ? assignment.substr(equals + 1) : "";
  if (equals == 0 || (direction != "max" && direction != "min")) {
    throw base::Error(flag, "expected a figure and max or min",
                      "write --objective tokens_per_s_per_gpu=max");
  }
  const std::string figure = assignment.substr(0, equals);
  base::JsonValue& value = put(document, "objectives", figure, flag);
  refuse_second_flag(value, figure, flag);
  value = with_place(base::json_of(direction), flag);
}

void add_constraint(base::JsonValue& document, const std::string& condition) {
  const std::string flag = "--constraint " + condition;
  const std::size_t sign = condition.find_first_of("<>");
  const bool is_condition = sign != std::string::npos && sign > 0 &&
                            condition.compare(sign + 1, 1, "=") == 0 && sign + 2 < condition.size();
  if (!is_condition) {
    throw base::Error(flag, "expected a figure, <= or >=, and what it may be",
                      "write --constraint \"drop_rate<=0.02\" or \"step_time_s<=2 ms\"");
  }
  const std::string figure = condition.substr(0, sign);
  base::JsonValue& bounds = put(document, "constraints", figure, flag);
  if (bounds.kind != base::JsonValue::Kind::object) {
    bounds = with_place(base::json_object(), flag);
  }
  const std::string end = condition[sign] == '<' ? "max" : "min";
  if (const base::JsonValue* before = bounds.find(end)) refuse_second_flag(*before, figure, flag);
  base::set_json_at(bounds, end, with_place(bound_of(condition.substr(sign + 2), flag), flag),
                    flag);
}

}  // namespace moesim::experiments
