// SPDX-License-Identifier: Apache-2.0
// Codecs of the types without parts: booleans, numbers, strings, quantities, enums, any JSON.
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/codec_errors.h"
#include "base/error.h"
#include "base/field_codec.h"

namespace moesim::base {
namespace {

JsonValue typed_schema(const char* type) {
  JsonValue schema = json_object();
  add_member(schema, "type", json_of(type));
  return schema;
}

JsonValue number_schema(const char* type, const Bounds& bounds) {
  JsonValue schema = typed_schema(type);
  const auto number = [](double bound) {
    const bool whole = std::trunc(bound) == bound && std::abs(bound) < 1e15;
    return whole ? json_of(static_cast<std::int64_t>(bound)) : json_of(bound);
  };
  if (bounds.above) add_member(schema, "exclusiveMinimum", number(*bounds.above));
  if (bounds.at_least) add_member(schema, "minimum", number(*bounds.at_least));
  if (bounds.at_most) add_member(schema, "maximum", number(*bounds.at_most));
  return schema;
}

// For a number that was written as text.
std::string unquoted_hint(const JsonValue& value) {
  const std::string& text = value.text;
  const bool is_number = value.kind == JsonValue::Kind::string && !text.empty() &&
                         text.size() <= 40 &&
                         text.find_first_not_of("0123456789.eE+-") == std::string::npos;
  return is_number ? "write " + text + ", without quotes" : "";
}

class BoolCodec final : public Codec {
 public:
  void read(const JsonValue& value, void* object, const ReadContext& context) const override {
    if (value.kind != JsonValue::Kind::boolean) fail_type(value, context, "true or false");
    *static_cast<bool*>(object) = value.boolean;
  }
  JsonValue write(const void* object) const override {
    return json_of(*static_cast<const bool*>(object));
  }
  JsonValue schema(SchemaDefinitions&, const Bounds&) const override {
    return typed_schema("boolean");
  }
  std::string type_name() const override { return "true or false"; }
};

template <class Integer>
class IntegerCodec final : public Codec {
 public:
  void read(const JsonValue& value, void* object, const ReadContext& context) const override {
    if (value.kind != JsonValue::Kind::number) {
      fail_type(value, context, "an integer", unquoted_hint(value));
    }
    // The literal decides, not the double: 2^53 + 1 must arrive whole.
    const std::string text = value.text.empty() ? number_text(value.number) : value.text;
    if (text.find_first_of(".eE") != std::string::npos) {
      fail_type(value, context, "an integer", whole_number_hint(value.number));
    }
    Integer integer = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, integer);
    if (parsed.ec != std::errc{} || parsed.ptr != end) {
      using Limits = std::numeric_limits<Integer>;
      fail_type(value, context,
                "an integer from " + std::to_string(Limits::min()) + " to " +
                    std::to_string(Limits::max()));
    }
    check_bounds(static_cast<double>(integer), value, context, number_text);
    *static_cast<Integer*>(object) = integer;
  }
  JsonValue write(const void* object) const override {
    return json_of(*static_cast<const Integer*>(object));
  }
  JsonValue schema(SchemaDefinitions&, const Bounds& bounds) const override {
    return number_schema("integer", bounds);
  }
  std::string type_name() const override { return "integer"; }

 private:
  static std::string whole_number_hint(double number) {
    if (std::trunc(number) != number || std::abs(number) > 1e15) return {};
    return "write " + std::to_string(static_cast<std::int64_t>(number));
  }
};

class DoubleCodec final : public Codec {
 public:
  void read(const JsonValue& value, void* object, const ReadContext& context) const override {
    if (value.kind != JsonValue::Kind::number) {
      fail_type(value, context, "a number", unquoted_hint(value));
    }
    check_bounds(value.number, value, context, number_text);
    *static_cast<double*>(object) = value.number;
  }
  JsonValue write(const void* object) const override {
    return json_of(*static_cast<const double*>(object));
  }
  JsonValue schema(SchemaDefinitions&, const Bounds& bounds) const override {
    return number_schema("number", bounds);
  }
  std::string type_name() const override { return "number"; }
};

class StringCodec final : public Codec {
 public:
  void read(const JsonValue& value, void* object, const ReadContext& context) const override {
    if (value.kind != JsonValue::Kind::string) {
      const bool is_word =
          value.kind == JsonValue::Kind::number || value.kind == JsonValue::Kind::boolean;
      const std::string text = to_text(value, JsonStyle::compact);
      fail_type(value, context, "a string", is_word ? "write \"" + text + "\", in quotes" : "");
    }
    *static_cast<std::string*>(object) = value.text;
  }
  JsonValue write(const void* object) const override {
    return json_of(*static_cast<const std::string*>(object));
  }
  JsonValue schema(SchemaDefinitions&, const Bounds&) const override {
    return typed_schema("string");
  }
  std::string type_name() const override { return "string"; }
};

class AnyCodec final : public Codec {
 public:
  void read(const JsonValue& value, void* object, const ReadContext&) const override {
    *static_cast<JsonValue*>(object) = value;
  }
  JsonValue write(const void* object) const override {
    return *static_cast<const JsonValue*>(object);
  }
  JsonValue schema(SchemaDefinitions&, const Bounds&) const override { return json_object(); }
  std::string type_name() const override { return "any JSON"; }
};

template <class T>
struct QuantityWords {
  T (*parse)(std::string_view);
  const char* expected;  // "a time"
  const char* unit;      // for the sample in hints
};

template <class T>
class QuantityCodec final : public Codec {
 public:
  explicit QuantityCodec(QuantityWords<T> words) : words_(words) {}

  void read(const JsonValue& value, void* object, const ReadContext& context) const override {
    const std::string where = where_of(value.place, context.pointer);
    if (value.kind == JsonValue::Kind::number) {
      const std::string number = found_text(value);
      throw Error(where, number + " has no unit", hint(number.front() == '-' ? "2" : number));
    }
    if (value.kind != JsonValue::Kind::string) {
      fail_type(value, context, words_.expected, hint("2"));
    }
    try {
      const T quantity = words_.parse(value.text);
      check_bounds(quantity.value, value, context, [this](double b) { return bound_text(b); });
      *static_cast<T*>(object) = quantity;
    } catch (const Error& error) {
      throw Error(where, error.message(), error.hint());
    }
  }
  JsonValue write(const void* object) const override {
    const T quantity = *static_cast<const T*>(object);
    CHECK(std::isfinite(quantity.value), "a quantity in JSON is finite");
    return json_of(to_text(quantity));
  }
  JsonValue schema(SchemaDefinitions&, const Bounds&) const override {
    JsonValue schema = typed_schema("string");
    std::string pattern = "^([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)? *(";
    for (const std::string& unit : accepted_units(T{})) pattern += unit + "|";
    pattern.back() = ')';
    add_member(schema, "pattern", json_of(pattern + "$"));
    return schema;
  }
  std::string type_name() const override {
    return std::string(words_.expected) + ", `\"2 " + words_.unit + "\"`";
  }
  std::string bound_text(double bound) const override { return to_text(T(bound)); }

 private:
  std::string hint(const std::string& number) const {
    std::string text = "write \"" + number + " " + words_.unit + "\"; accepted:";
    for (const std::string& unit : accepted_units(T{})) text += " " + unit + ",";
    text.pop_back();
    return text;
  }

  QuantityWords<T> words_;
};

template <class T>
CodecPtr make_quantity_codec(T (*parse)(std::string_view), const char* expected, const char* unit) {
  return std::make_shared<QuantityCodec<T>>(QuantityWords<T>{parse, expected, unit});
}

class EnumCodec final : public Codec {
 public:
  EnumCodec(std::vector<std::string> names, std::function<std::size_t(const void*)> index_of,
            std::function<void(void*, std::size_t)> set_index)
      : names_(std::move(names)),
        index_of_(std::move(index_of)),
        set_index_(std::move(set_index)) {}

  void read(const JsonValue& value, void* object, const ReadContext& context) const override {
    if (value.kind != JsonValue::Kind::string) {
      fail_type(value, context, "a name", "one of " + list());
    }
    for (std::size_t index = 0; index < names_.size(); ++index) {
      if (names_[index] == value.text) return set_index_(object, index);
    }
    const std::string nearest = did_you_mean(value.text, names_);
    throw Error(where_of(value.place, context.pointer),
                "unknown name \"" + value.text.substr(0, 100) + "\"",
                (nearest.empty() ? "" : nearest + " ") + "one of " + list());
  }
  JsonValue write(const void* object) const override {
    const std::size_t index = index_of_(object);
    CHECK(index < names_.size(), "every value of an enum has a name");
    return json_of(names_[index]);
  }
  JsonValue schema(SchemaDefinitions&, const Bounds&) const override {
    JsonValue schema = json_object();
    JsonValue& names = add_member(schema, "enum", json_array());
    for (const std::string& name : names_) names.items.push_back(json_of(name));
    return schema;
  }
  std::string type_name() const override {
    std::string text;
    for (const std::string& name : names_) text += (text.empty() ? "`" : ", `") + name + "`";
    return "one of " + text;
  }

 private:
  std::string list() const {
    std::string text;
    for (const std::string& name : names_) text += (text.empty() ? "" : ", ") + name;
    return text;
  }

  std::vector<std::string> names_;
  std::function<std::size_t(const void*)> index_of_;
  std::function<void(void*, std::size_t)> set_index_;
};

}  // namespace

CodecPtr make_codec(Type<bool>) { return std::make_shared<BoolCodec>(); }
CodecPtr make_codec(Type<int>) { return std::make_shared<IntegerCodec<int>>(); }
CodecPtr make_codec(Type<std::int64_t>) { return std::make_shared<IntegerCodec<std::int64_t>>(); }
CodecPtr make_codec(Type<std::uint64_t>) { return std::make_shared<IntegerCodec<std::uint64_t>>(); }
CodecPtr make_codec(Type<double>) { return std::make_shared<DoubleCodec>(); }
CodecPtr make_codec(Type<std::string>) { return std::make_shared<StringCodec>(); }
CodecPtr make_codec(Type<JsonValue>) { return std::make_shared<AnyCodec>(); }
CodecPtr make_codec(Type<Seconds>) { return make_quantity_codec(parse_seconds, "a time", "us"); }
CodecPtr make_codec(Type<Bytes>) { return make_quantity_codec(parse_bytes, "a size", "GB"); }
CodecPtr make_codec(Type<BytesPerSecond>) {
  return make_quantity_codec(parse_bytes_per_second, "a bandwidth", "GB/s");
}
CodecPtr make_codec(Type<FlopsPerSecond>) {
  return make_quantity_codec(parse_flops_per_second, "a compute rate", "TFLOP/s");
}

CodecPtr make_enum_codec(std::vector<std::string> names,
                         std::function<std::size_t(const void*)> index_of,
                         std::function<void(void*, std::size_t)> set_index) {
  return std::make_shared<EnumCodec>(std::move(names), std::move(index_of), std::move(set_index));
}

}  // namespace moesim::base
