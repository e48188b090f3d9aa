// SPDX-License-Identifier: Apache-2.0
#include "base/json_schema.h"

#include "base/check.h"
#include "base/codec_errors.h"
#include "base/json_reader.h"

namespace moesim::base {
namespace {

std::string description_of(const Field& field) {
  std::string text = field.docs();
  const auto add = [&](const std::string& sentence) {
    text += (text.empty() ? "" : " ") + sentence;
  };
  const std::string bounds =
      bounds_text(field.bounds(), [&](double bound) { return field.codec().bound_text(bound); });
  if (!bounds.empty()) add("Range: " + bounds + ".");
  if (!field.condition().empty()) add("Only used when " + field.condition() + ".");
  return text;
}

JsonValue property_of(const Field& field, SchemaDefinitions& definitions) {
  JsonValue schema = field.codec().schema(definitions, field.bounds());
  if (schema.find("$ref") != nullptr) {
    // Draft-07 ignores what stands beside a $ref.
    JsonValue wrapped = json_object();
    add_member(wrapped, "allOf", json_array()).items.push_back(std::move(schema));
    schema = std::move(wrapped);
  }
  add_member(schema, "description", json_of(description_of(field)));
  // A struct's defaults stand at its own definition's keys.
  const bool is_plain = field.codec().described_struct() == nullptr;
  if (!field.is_required() && is_plain) {
    add_member(schema, "default", field.codec().write(field.object()));
  }
  return schema;
}

JsonValue requirement(const std::string& key) {
  JsonValue rule = json_object();
  add_member(rule, "required", json_array()).items.push_back(json_of(key));
  return rule;
}

// Fields required whatever the values; those with a condition are left to the reader, and so are
// all fields of a struct that may name a preset or a base file, which can supply any of them.
JsonValue requirements_of(const FieldTable& table) {
  JsonValue rules = json_array();
  for (const Field& field : table.fields()) {
    if (field.name() == "preset" || field.name() == "extends") return rules;
  }
  for (const Field& field : table.fields()) {
    if (!field.is_required() || !field.condition().empty()) continue;
    JsonValue rule = json_object();
    JsonValue& names = add_member(rule, "anyOf", json_array());
    names.items.push_back(requirement(field.name()));
    for (const std::string& alias : field.aliases()) names.items.push_back(requirement(alias));
    rules.items.push_back(field.aliases().empty() ? requirement(field.name()) : std::move(rule));
  }
  return rules;
}

}  // namespace

JsonValue SchemaDefinitions::reference_to(const StructCodec& codec) {
  JsonValue reference = json_object();
  codec.with_default([&](const FieldTable& table) {
    const std::string type = typeid(codec).name();
    const auto [known, is_new] = types_.emplace(table.name(), type);
    CHECK(known->second == type, "two structs have the title " + table.name());
    if (is_new) schemas_[table.name()] = struct_schema(table, *this);
    add_member(reference, "$ref", json_of("#/definitions/" + table.name()));
  });
  return reference;
}

JsonValue struct_schema(const FieldTable& table, SchemaDefinitions& definitions) {
  JsonValue schema = json_object();
  add_member(schema, "type", json_of("object"));
  if (!table.docs().empty()) add_member(schema, "description", json_of(table.docs()));
  JsonValue& properties = add_member(schema, "properties", json_object());
  for (const Field& field : table.fields()) {
    const JsonValue property = property_of(field, definitions);
    add_member(properties, field.name(), property);
    for (const std::string& alias : field.aliases()) {
      JsonValue again = property;
      *again.find("description") = json_of("Another name of " + field.name() + ".");
      add_member(properties, alias, std::move(again));
    }
  }
  JsonValue rules = requirements_of(table);
  if (!rules.items.empty()) add_member(schema, "allOf", std::move(rules));
  add_member(schema, "additionalProperties", json_of(false));
  return schema;
}

std::string reader_detail::schema(const StructCodec& codec, const std::string& title) {
  JsonValue document = json_object();
  add_member(document, "$schema", json_of("http://json-schema.org/draft-07/schema#"));
  add_member(document, "title", json_of(title));
  SchemaDefinitions definitions;
  codec.with_default([&](const FieldTable& table) {
    const JsonValue root = struct_schema(table, definitions);
    for (const JsonMember& member : root.members) add_member(document, member.key, member.value);
  });
  if (!definitions.schemas().empty()) {
    JsonValue& entries = add_member(document, "definitions", json_object());
    for (const auto& [name, schema] : definitions.schemas()) add_member(entries, name, schema);
  }
  return to_text(document) + "\n";
}

}  // namespace moesim::base
