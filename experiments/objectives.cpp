// SPDX-License-Identifier: Apache-2.0
#include "experiments/objectives.h"

#include <algorithm>

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

base::Error unknown_figure(const base::JsonValue& document, const std::string& name,
                           const std::vector<NamedFigure>& figures) {
  std::vector<std::string> known;
  for (const NamedFigure& figure : figures) known.push_back(figure.name);
  const base::JsonValue* section = document.find("objectives");
  const base::JsonValue* value = section != nullptr ? section->find(name) : nullptr;
  const std::string nearest = base::did_you_mean(name, known);
  return {base::where_of(value != nullptr ? value->place : document.place, "/objectives/" + name),
          "\"" + name + "\" is no figure of a result",
          nearest.empty() ? "docs/reference.md, \"Result keys\", lists them: \"drop_rate\", "
                            "\"phase_time_s.expert\""
                          : nearest};
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

void check_objectives(const base::JsonValue& document, const Objectives& objectives) {
  const std::vector<NamedFigure> figures = result_figures();
  for (const auto& [name, direction] : objectives) {
    const bool known =
        std::any_of(figures.begin(), figures.end(),
                    [&, &named = name](const auto& figure) { return names_figure(named, figure); });
    if (!known) throw unknown_figure(document, name, figures);
  }
}

}  // namespace moesim::experiments
