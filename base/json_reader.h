// SPDX-License-Identifier: Apache-2.0
// One description of a struct's fields drives everything that touches its JSON: reading with
// precise errors, writing, the JSON Schema and the reference page.
//
// A struct is described by a free function beside it, found by argument-dependent lookup:
//
//   void describe(base::FieldTable& table, RouterConfig& router) {
//     table.field("capacity_factor", router.capacity_factor, "Slots per expert ...; null = dropless.")
//         .alias("moe_expert_capacity_factor").above(0);
//     table.field("token_drop_policy", router.token_drop_policy, "Which pairs a full expert drops.")
//         .used_when(router.capacity_factor.has_value(), "router.capacity_factor is set");
//   }
//
// Field types: bool, int, std::int64_t, std::uint64_t, double, std::string, the quantities of
// units.h, std::optional<T> (null), std::vector<T>, std::map<std::string, T>, enums, JsonValue
// (any JSON, kept as it is), and structs that have a describe() of their own.
// An enum's names come from a visible table found the same way:
//
//   inline base::EnumNames<DropPolicy> names_of(DropPolicy) {
//     return {{DropPolicy::probs, "probs"}, {DropPolicy::position, "position"}};
//   }
//
// The defaults shown in schema and docs are the values of a default-constructed struct.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "base/units.h"

namespace moesim::base {

template <class Enum>
using EnumNames = std::vector<std::pair<Enum, std::string>>;

class FieldTable;

// What reading found besides the values. `warnings` are sentences with their place.
struct ReadReport {
  std::vector<std::string> warnings;
};

// One key of one struct. Bounds are in SI units for quantities and apply to each element of lists.
class Field {
 public:
  Field& alias(std::string name);       // accepted in input, never written
  Field& required();                    // no default: absent is an error
  Field& above(double bound);           // exclusive lower bound
  Field& at_least(double bound);
  Field& at_most(double bound);
  // Setting the field where it has no effect is an error (a warning where the key's own value, or
  // what made it unused, came from `--set`). Evaluated on the values read. `condition` completes
  // the sentence "it is only used when ...".
  Field& used_when(bool used, std::string condition);
  // (state is the implementer's)
};

// Reads `value` (an object) into `object`; absent keys keep their values. Throws Error on the first
// unknown key (with did_you_mean), missing required key, wrong type, value out of bounds, number
// without a unit, or key without effect.
template <class T>
void read_json(const JsonValue& value, T& object, ReadReport& report);

// Every field with its value, defaults included, as JSON text (two-space indent, ends in newline);
// reads back to an equal object.
template <class T>
std::string write_json(const T& object);

// Draft-07 JSON Schema, and the reference page's Markdown tables (one per struct: key, type,
// default, meaning; aliases named), of a default-constructed T.
template <class T>
std::string json_schema(const std::string& title);
template <class T>
std::string reference_markdown(const std::string& title);

}  // namespace moesim::base
