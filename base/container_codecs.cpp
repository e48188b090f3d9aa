// SPDX-License-Identifier: Apache-2.0
// Codecs of optionals, lists and maps: they add the container and leave the rest to the element's.
#include "base/codec_errors.h"
#include "base/field_codec.h"

namespace moesim::base {
namespace {

class OptionalCodec final : public Codec {
 public:
  OptionalCodec(CodecPtr inner, OptionalAccess access)
      : inner_(std::move(inner)), access_(std::move(access)) {}

  void read(const JsonValue& value, void* object, const ReadContext& context) const override {
    if (value.kind == JsonValue::Kind::null) return access_.reset(object);
    inner_->read(value, access_.engage(object), context);
  }
  JsonValue write(const void* object) const override {
    const void* held = access_.get(object);
    return held == nullptr ? JsonValue{} : inner_->write(held);
  }
  JsonValue schema(SchemaDefinitions& definitions, const Bounds& bounds) const override {
    JsonValue schema = json_object();
    JsonValue& choices = add_member(schema, "anyOf", json_array());
    choices.items.push_back(inner_->schema(definitions, bounds));
    choices.items.push_back(json_object());
    add_member(choices.items.back(), "type", json_of("null"));
    return schema;
  }
  std::string type_name() const override { return inner_->type_name() + ", or null"; }
  std::string bound_text(double bound) const override { return inner_->bound_text(bound); }
  StructCodecPtr described_struct() const override { return inner_->described_struct(); }

 private:
  CodecPtr inner_;
  OptionalAccess access_;
};

class ListCodec final : public Codec {
 public:
  ListCodec(CodecPtr element, ListAccess access)
      : element_(std::move(element)), access_(std::move(access)) {}

  void read(const JsonValue& value, void* object, const ReadContext& context) const override {
    if (value.kind != JsonValue::Kind::array) {
      fail_type(value, context, "a list", "write [...], even for one entry");
    }
    access_.clear(object);
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      element_->read(value.items[i], access_.append(object), context.at(std::to_string(i)));
    }
  }
  JsonValue write(const void* object) const override {
    JsonValue list = json_array();
    for (std::size_t i = 0; i < access_.size(object); ++i) {
      list.items.push_back(element_->write(access_.get(object, i)));
    }
    return list;
  }
  JsonValue schema(SchemaDefinitions& definitions, const Bounds& bounds) const override {
    JsonValue schema = json_object();
    add_member(schema, "type", json_of("array"));
    add_member(schema, "items", element_->schema(definitions, bounds));
    return schema;
  }
  std::string type_name() const override { return "list of: " + element_->type_name(); }
  std::string bound_text(double bound) const override { return element_->bound_text(bound); }
  StructCodecPtr described_struct() const override { return element_->described_struct(); }

 private:
  CodecPtr element_;
  ListAccess access_;
};

class MapCodec final : public Codec {
 public:
  MapCodec(CodecPtr element, MapAccess access)
      : element_(std::move(element)), access_(std::move(access)) {}

  void read(const JsonValue& value, void* object, const ReadContext& context) const override {
    if (value.kind != JsonValue::Kind::object) fail_type(value, context, "an object");
    access_.clear(object);
    for (const JsonMember& member : value.members) {
      element_->read(member.value, access_.insert(object, member.key), context.at(member.key));
    }
  }
  JsonValue write(const void* object) const override {
    JsonValue json = json_object();
    access_.for_each(object, [&](const std::string& key, const void* value) {
      json.members.push_back({key, Place{}, element_->write(value)});
    });
    return json;
  }
  JsonValue schema(SchemaDefinitions& definitions, const Bounds& bounds) const override {
    JsonValue schema = json_object();
    add_member(schema, "type", json_of("object"));
    add_member(schema, "additionalProperties", element_->schema(definitions, bounds));
    return schema;
  }
  std::string type_name() const override { return "object of: " + element_->type_name(); }
  std::string bound_text(double bound) const override { return element_->bound_text(bound); }
  StructCodecPtr described_struct() const override { return element_->described_struct(); }

 private:
  CodecPtr element_;
  MapAccess access_;
};

}  // namespace

CodecPtr make_optional_codec(CodecPtr inner, OptionalAccess access) {
  return std::make_shared<OptionalCodec>(std::move(inner), std::move(access));
}

CodecPtr make_list_codec(CodecPtr element, ListAccess access) {
  return std::make_shared<ListCodec>(std::move(element), std::move(access));
}

CodecPtr make_map_codec(CodecPtr element, MapAccess access) {
  return std::make_shared<MapCodec>(std::move(element), std::move(access));
}

}  // namespace moesim::base
