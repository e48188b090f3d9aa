// SPDX-License-Identifier: Apache-2.0
#include "experiments/figure_bound.h"

#include "base/error.h"
#include "base/units.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

class FigureBoundCodec final : public base::Codec {
 public:
  void read(const JsonValue& value, void* object, const base::ReadContext& context) const override {
    if (value.kind != JsonValue::Kind::number && value.kind != JsonValue::Kind::string) {
      throw Error(base::where_of(value.place, context.pointer),
                  "expected a number or a quantity, found " +
                      base::to_text(value, base::JsonStyle::compact),
                  "write 0.02, or \"80 GiB\" where the figure has a unit");
    }
    static_cast<FigureBound*>(object)->written = value;
  }
  JsonValue write(const void* object) const override {
    return static_cast<const FigureBound*>(object)->written;
  }
  JsonValue schema(base::SchemaDefinitions&, const base::Bounds&) const override {
    JsonValue schema = base::json_object();
    JsonValue& types = base::add_member(schema, "type", base::json_array());
    types.items = {base::json_of("number"), base::json_of("string")};
    return schema;
  }
  std::string type_name() const override { return "number or quantity"; }
};

bool has(const std::string& figure, const char* word) {
  return figure.find(word) != std::string::npos;
}

// True of "step_time_s" and "phase_time_s.expert", not of "tokens_per_s".
bool is_time(const std::string& figure) {
  const std::string family = figure.substr(0, figure.find('.'));
  const auto ends = [](const std::string& name) {
    return name.ends_with("_s") && !name.ends_with("per_s");
  };
  return ends(family) || ends(figure);
}

}  // namespace

base::CodecPtr make_codec(base::Type<FigureBound>) { return std::make_shared<FigureBoundCodec>(); }

void describe(base::FieldTable& table, WrittenBounds& bounds) {
  table.title("bounds", "What a figure may be: a number in its own unit, or a quantity.");
  table.field("min", bounds.min, "The least that it may be; null: any.");
  table.field("max", bounds.max, "The most that it may be; null: any.");
}

double bound_in_unit(const std::string& figure, const FigureBound& bound,
                     const std::string& where) {
  if (bound.written.kind == JsonValue::Kind::number) return bound.written.number;
  const std::string& text = bound.written.text;
  try {
    if (is_time(figure)) return base::parse_seconds(text).value;
    if (has(figure, "bytes")) return base::parse_bytes(text).value;
    if (has(figure, "gbps")) return base::parse_bytes_per_second(text).value / 1e9;
    if (has(figure, "tflops")) return base::parse_flops_per_second(text).value / 1e12;
  } catch (const Error& error) {
    throw Error(where, error.message(), error.hint());
  }
  throw Error(where, "\"" + text + "\": " + figure + " is a number without a unit",
              "write a number: 0.02");
}

}  // namespace moesim::experiments
