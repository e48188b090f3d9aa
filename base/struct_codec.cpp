// SPDX-License-Identifier: Apache-2.0
// Reading and writing a struct by its field table.
#include <cxxabi.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/check.h"
#include "base/codec_errors.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/json_schema.h"

namespace moesim::base {
namespace {

bool answers_to(const Field& field, const std::string& key) {
  const auto& aliases = field.aliases();
  return field.name() == key || std::find(aliases.begin(), aliases.end(), key) != aliases.end();
}

// Letters and digits alone, in lower case: "numExperts", "num-experts" and "num_experts" agree.
std::string skeleton(const std::string& key) {
  std::string text;
  for (const char c : key) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isalnum(letter)) text += static_cast<char>(std::tolower(letter));
  }
  return text;
}

std::string key_hint(const std::string& key, const FieldTable& table) {
  std::vector<std::string> known;
  for (const Field& field : table.fields()) {
    known.push_back(field.name());
    known.insert(known.end(), field.aliases().begin(), field.aliases().end());
  }
  const std::string bones = skeleton(key.substr(0, 100));
  for (const std::string& candidate : known) {
    if (!bones.empty() && skeleton(candidate) == bones) {
      return "did you mean \"" + candidate + "\"?";
    }
  }
  const std::string nearest = did_you_mean(key, known);
  if (!nearest.empty()) return nearest;
  if (table.fields().empty()) return "this object takes no keys";
  std::string list;
  for (const Field& field : table.fields()) list += (list.empty() ? "" : ", ") + field.name();
  return "accepted: " + list;
}

void refuse_unknown_keys(const JsonValue& value, const FieldTable& table,
                         const ReadContext& context) {
  for (const JsonMember& member : value.members) {
    const bool known =
        std::any_of(table.fields().begin(), table.fields().end(),
                    [&](const Field& field) { return answers_to(field, member.key); });
    if (known) continue;
    throw Error(where_of(member.place, context.at(member.key).pointer),
                "unknown key \"" + member.key.substr(0, 100) + "\"", key_hint(member.key, table));
  }
}

// The member that gives the field; null when absent.
const JsonMember* member_of(const JsonValue& value, const Field& field,
                            const ReadContext& context) {
  const JsonMember* given = nullptr;
  for (const JsonMember& member : value.members) {
    if (!answers_to(field, member.key)) continue;
    if (given != nullptr) {
      throw Error(where_of(member.place, context.at(member.key).pointer),
                  "\"" + member.key + "\" and \"" + given->key + "\" name the same field",
                  "keep one of them; \"" + given->key + "\" is at " + given->place.text());
    }
    given = &member;
  }
  return given;
}

// True when a file that is right on its own can lead here: through a flag, a sweep or a preset.
bool is_excusable(const JsonMember& member, const JsonValue& object, const ReadContext& context) {
  const auto& origin = member.place.origin;
  const bool is_inherited =
      origin != nullptr && object.place.origin != nullptr && *origin != *object.place.origin;
  return context.has_overrides || is_inherited;
}

void check_use(const JsonValue& value, const JsonMember* member, const Field& field,
               const ReadContext& context) {
  if (member == nullptr) {
    if (!field.is_required() || !field.is_used()) return;
    throw Error(where_of(value.place, context.pointer), "missing key \"" + field.name() + "\"",
                field.docs());
  }
  if (field.is_used()) return;
  const std::string pointer = context.at(member->key).pointer;
  const std::string what =
      "\"" + member->key + "\" has no effect: it is only used when " + field.condition();
  if (!is_excusable(*member, value, context)) {
    throw Error(where_of(member->place, pointer), what, "remove it");
  }
  context.report->warnings.push_back({member->place, pointer, what});
}

enum class Nesting { none, structs };

// Reads the members given into the fields of one kind.
void read_fields(const FieldTable& table, const std::vector<const JsonMember*>& given, Nesting kind,
                 const ReadContext& context) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Field& field = table.fields()[i];
    const bool is_nested = field.codec().described_struct() != nullptr;
    if (given[i] == nullptr || is_nested != (kind == Nesting::structs)) continue;
    ReadContext inner = context.at(given[i]->key);
    inner.bounds = field.bounds();
    field.codec().read(given[i]->value, field.object(), inner);
  }
}

bool holds_override(const JsonValue& value) {
  if (value.place.is_override()) return true;
  return std::any_of(value.items.begin(), value.items.end(), holds_override) ||
         std::any_of(value.members.begin(), value.members.end(),
                     [](const JsonMember& member) { return holds_override(member.value); });
}

}  // namespace

void StructCodec::read(const JsonValue& value, void* object, const ReadContext& context) const {
  if (value.kind != JsonValue::Kind::object) fail_type(value, context, "an object {...}");
  FieldTable table;
  describe_object(table, object);
  refuse_unknown_keys(value, table, context);
  std::vector<const JsonMember*> given;
  for (const Field& field : table.fields()) given.push_back(member_of(value, field, context));
  // Structs last, and described anew, so that their conditions see the values of this one.
  read_fields(table, given, Nesting::none, context);
  FieldTable nested_table;
  describe_object(nested_table, object);
  read_fields(nested_table, given, Nesting::structs, context);
  // Again, now that the conditions see the values read.
  FieldTable read_table;
  describe_object(read_table, object);
  CHECK(read_table.fields().size() == given.size(), "describe() names the same fields every time");
  for (std::size_t i = 0; i < given.size(); ++i) {
    check_use(value, given[i], read_table.fields()[i], context);
  }
}

JsonValue StructCodec::write(const void* object) const {
  FieldTable table;
  describe_object(table, const_cast<void*>(object));  // describe() takes addresses only
  JsonValue json = json_object();
  for (const Field& field : table.fields()) {
    if (field.is_used()) add_member(json, field.name(), field.codec().write(field.object()));
  }
  return json;
}

JsonValue StructCodec::schema(SchemaDefinitions& definitions, const Bounds&) const {
  return definitions.reference_to(*this);
}

std::string StructCodec::type_name() const {
  std::string name;
  with_default([&](const FieldTable& table) { name = table.name(); });
  return "[" + name + "](#" + name + ")";
}

void StructCodec::with_default(const std::function<void(const FieldTable&)>& use) const {
  const std::shared_ptr<void> object = make_default();
  FieldTable table;
  describe_object(table, object.get());
  if (table.name().empty()) table.title(default_title(), "");
  use(table);
}

std::string snake_case_type_name(const char* mangled_name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(mangled_name, nullptr, nullptr, &status), &std::free);
  std::string full = status == 0 ? demangled.get() : mangled_name;
  if (const auto colon = full.rfind(':'); colon != std::string::npos) full.erase(0, colon + 1);
  std::string name;
  for (const char c : full) {
    const auto letter = static_cast<unsigned char>(c);
    if (std::isupper(letter) && !name.empty()) name += '_';
    name += static_cast<char>(std::tolower(letter));
  }
  return name;
}

void reader_detail::read(const StructCodec& codec, const JsonValue& value, void* object,
                         ReadReport& report, const std::string& pointer) {
  ReadContext context;
  context.pointer = pointer;
  context.has_overrides = holds_override(value);
  context.report = &report;
  codec.read(value, object, context);
}

}  // namespace moesim::base
