// SPDX-License-Identifier: Apache-2.0
// One description of a struct's fields drives everything that touches its JSON: reading with
// precise errors, writing, the JSON Schema and the reference page.
//
// A struct is described by a free function beside it, found by argument-dependent lookup:
//
//   void describe(base::FieldTable& table, RouterConfig& router) {
//     table.field("capacity_factor", router.capacity_factor, "Slots per expert ...; null =
//     dropless.")
//         .alias("moe_expert_capacity_factor").above(0);
//     table.field("token_drop_policy", router.token_drop_policy, "Which pairs a full expert
//     drops.")
//         .used_when(router.capacity_factor.has_value(), "router.capacity_factor is set");
//   }
//
// `table.title("router", "How tokens choose experts.")` names the struct in schema and docs.
// Field types: bool, int, std::int64_t, std::uint64_t, double, std::string, the quantities of
// units.h (but Flops), std::optional<T> (null), std::vector<T> (not of bool),
// std::map<std::string, T>, enums, JsonValue (any JSON, kept as it is), and structs that have a
// describe() of their own. An enum's names come from a visible table found the same way:
//
//   inline base::EnumNames<DropPolicy> names_of(DropPolicy) {
//     return {{DropPolicy::probs, "probs"}, {DropPolicy::position, "position"}};
//   }
//
// Fields of struct type are read after the others, with describe() run anew in between: it may hand
// a value down that the conditions of a nested struct ask for.
//
// The defaults shown in schema and docs are the values of a default-constructed struct.
#pragma once

#include <string>

#include "base/error.h"
#include "base/field_codec.h"
#include "base/field_table.h"
#include "base/json_value.h"
#include "base/units.h"

namespace moesim::base {

namespace reader_detail {
void read(const StructCodec& codec, const JsonValue& value, void* object, ReadReport& report,
          const std::string& pointer);
std::string schema(const StructCodec& codec, const std::string& title);
std::string reference(const StructCodecPtr& codec, const std::string& title);
}  // namespace reader_detail

// Reads `value` (an object) into `object`; absent keys keep their values, lists and maps are
// replaced as a whole. `pointer` is the JSON pointer of `value` in its document ("/cluster"; "" for
// the root). Throws Error on the first unknown key (with did_you_mean), key given under two names,
// missing required key, wrong type, value out of bounds, number without a unit, or key without
// effect.
template <class T>
void read_json(const JsonValue& value, T& object, ReadReport& report,
               const std::string& pointer = {}) {
  reader_detail::read(*struct_codec_of<T>(), value, &object, report, pointer);
}

// Every field in use with its value, defaults included. Fields without effect (used_when) are left
// out, so that what is written reads back without complaint, and to an equal object when the
// fields left out have their defaults.
template <class T>
JsonValue to_json(const T& object) {
  return struct_codec_of<T>()->write(&object);
}

// to_json as text: two-space indent, ends in a newline.
template <class T>
std::string write_json(const T& object) {
  return to_text(to_json(object)) + "\n";
}

// Draft-07 JSON Schema as text, of a default-constructed T; ends in a newline.
template <class T>
std::string json_schema(const std::string& title) {
  return reader_detail::schema(*struct_codec_of<T>(), title);
}

// The reference page in Markdown: one table per struct (key, type, default, meaning; aliases,
// bounds and conditions named), of a default-constructed T.
template <class T>
std::string reference_markdown(const std::string& title) {
  return reader_detail::reference(struct_codec_of<T>(), title);
}

}  // namespace moesim::base
