// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/sweep_section.h"

#include "base/error.h"
#include "base/json_schema.h"

namespace moesim::experiments {
namespace {

constexpr const char* kSchema = R"({
  "type": "object",
  "properties": {
    "zip": {"anyOf": [{"$ref": "#/definitions/swept_keys"},
                      {"type": "array", "items": {"$ref": "#/definitions/swept_keys"}}]},
    "cases": {"type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1}},
    "exclude": {"type": "array", "items": {
      "type": "object",
      "properties": {"where": {"type": "object", "minProperties": 1}, "reason": {"type": "string"}},
      "required": ["where", "reason"], "additionalProperties": false}},
    "sample": {
      "type": "object",
      "properties": {"method": {"enum": ["random", "latin_hypercube"]},
                     "count": {"type": "integer", "minimum": 1, "maximum": 100000},
                     "seed": {"type": "integer", "minimum": 0}},
      "required": ["count"], "additionalProperties": false}
  },
  "additionalProperties": {"$ref": "#/definitions/swept_values"}
})";

constexpr const char* kKeys =
    R"({"type": "object", "minProperties": 1,
        "additionalProperties": {"$ref": "#/definitions/swept_values"}})";

constexpr const char* kValues = R"({"anyOf": [
  {"type": "array", "minItems": 1},
  {"type": "object",
   "properties": {"range": {"type": "array", "minItems": 2, "maxItems": 3},
                  "linear": {"type": "array", "minItems": 3, "maxItems": 3},
                  "geometric": {"type": "array", "minItems": 3, "maxItems": 3},
                  "uniform": {"type": "array", "minItems": 2, "maxItems": 2},
                  "log_uniform": {"type": "array", "minItems": 2, "maxItems": 2},
                  "round": {"type": "boolean"}},
   "additionalProperties": false}]})";

class SweepCodec final : public base::Codec {
 public:
  void read(const base::JsonValue& value, void* object,
            const base::ReadContext& context) const override {
    const auto kind = value.kind;
    if (kind != base::JsonValue::Kind::object && kind != base::JsonValue::Kind::null) {
      throw base::Error(base::where_of(value.place, context.pointer), "expected an object",
                        "\"sweep\": {\"router.capacity_factor\": [1.0, 1.25, null]}");
    }
    static_cast<SweepSection*>(object)->tree = value;
  }
  base::JsonValue write(const void* object) const override {
    return static_cast<const SweepSection*>(object)->tree;
  }
  base::JsonValue schema(base::SchemaDefinitions& definitions, const base::Bounds&) const override {
    definitions.add("swept_keys", base::parse_json(kKeys, "swept_keys"));
    definitions.add("swept_values", base::parse_json(kValues, "swept_values"));
    return base::parse_json(kSchema, "sweep");
  }
  std::string type_name() const override {
    return "object of lists or rules of values, by dotted key";
  }
};

}  // namespace

base::CodecPtr make_codec(base::Type<SweepSection>) { return std::make_shared<SweepCodec>(); }

}  // namespace moesim::experiments
