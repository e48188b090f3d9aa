// SPDX-License-Identifier: Apache-2.0
// The "definitions" of a JSON Schema while it is being made. For codecs.
#pragma once

#include <map>
#include <string>

#include "base/field_table.h"

namespace moesim::base {

class SchemaDefinitions {
 public:
  // {"$ref": "#/definitions/<title>"}; the first call for a struct adds its schema.
  JsonValue reference_to(const StructCodec& codec);

  // A schema that others refer to as "#/definitions/<title>"; the same each time it is added.
  void add(const std::string& title, JsonValue schema) { schemas_.insert_or_assign(title, schema); }

  // By title, sorted.
  const std::map<std::string, JsonValue>& schemas() const { return schemas_; }

 private:
  std::map<std::string, JsonValue> schemas_;
  std::map<std::string, std::string> types_;  // title -> C++ type, to catch two structs of one name
};

// The schema of one struct: an object with its properties, unknown keys refused.
JsonValue struct_schema(const FieldTable& table, SchemaDefinitions& definitions);

}  // namespace moesim::base
