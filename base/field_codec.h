// SPDX-License-Identifier: Apache-2.0
// A codec knows how values of one C++ type are read from JSON, written to it and documented.
// Codecs see their objects as `void*`: the templates that make them stay thin, and the work is
// compiled once. codec_of<T>() below is the visible table of the types that fields may have.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "base/units.h"

namespace moesim::base {

template <class Enum>
using EnumNames = std::vector<std::pair<Enum, std::string>>;

class FieldTable;
class SchemaDefinitions;

// A key that changes nothing.
struct ReadWarning {
  Place place;
  std::string pointer;  // RFC 6901
  std::string what;     // the sentence
};

// For people: "file:line:column  /json/pointer: what".
std::string placed_text(const ReadWarning& warning);
std::vector<std::string> placed_texts(const std::vector<ReadWarning>& warnings);

// For results: "/json/pointer: what", the same from whichever folder the file is named.
std::string placeless_text(const ReadWarning& warning);

// What reading found besides the values.
struct ReadReport {
  std::vector<ReadWarning> warnings;
};

// Limits of a number, in SI units for quantities. They apply to each element of lists and maps.
struct Bounds {
  std::optional<double> above;     // exclusive
  std::optional<double> at_least;  // inclusive
  std::optional<double> at_most;   // inclusive
};

// Where the reader stands.
struct ReadContext {
  std::string pointer;           // RFC 6901, "" at the root
  bool has_overrides = false;    // some value of the document came from a flag or a sweep
  ReadReport* report = nullptr;  // never null
  Bounds bounds;

  ReadContext at(const std::string& key) const;  // the same, one key further down
};

// "file:line:column  /json/pointer".
std::string where_of(const Place& place, const std::string& pointer);

class Codec {
 public:
  virtual ~Codec() = default;
  // Throws Error at the value's place when it is not of this type or out of bounds.
  virtual void read(const JsonValue& value, void* object, const ReadContext& context) const = 0;
  virtual JsonValue write(const void* object) const = 0;
  // Draft-07 schema of a value; structs add themselves to `definitions` and give a reference.
  virtual JsonValue schema(SchemaDefinitions& definitions, const Bounds& bounds) const = 0;
  // For the reference page: "integer", "list of numbers", "[router](#router)".
  virtual std::string type_name() const = 0;
  // A bound of the field as input would write it: "0.5", "2 us".
  virtual std::string bound_text(double bound) const;
  // The struct whose table describes the value or its elements; null when there is none.
  virtual std::shared_ptr<const class StructCodec> described_struct() const { return nullptr; }
};
using CodecPtr = std::shared_ptr<const Codec>;

// The type to make a codec for, as an argument that overloads can tell apart.
template <class T>
struct Type {};

CodecPtr make_codec(Type<bool>);
CodecPtr make_codec(Type<int>);
CodecPtr make_codec(Type<std::int64_t>);
CodecPtr make_codec(Type<std::uint64_t>);
CodecPtr make_codec(Type<double>);
CodecPtr make_codec(Type<std::string>);
CodecPtr make_codec(Type<JsonValue>);
CodecPtr make_codec(Type<Seconds>);
CodecPtr make_codec(Type<Bytes>);
CodecPtr make_codec(Type<BytesPerSecond>);
CodecPtr make_codec(Type<FlopsPerSecond>);

// A fixed set of names; the index counts within them.
CodecPtr make_enum_codec(std::vector<std::string> names,
                         std::function<std::size_t(const void*)> index_of,
                         std::function<void(void*, std::size_t)> set_index);

// T or null. `engage` makes a value where there is none and returns it; `get` returns null for
// none.
struct OptionalAccess {
  std::function<void*(void*)> engage;
  std::function<void(void*)> reset;
  std::function<const void*(const void*)> get;
};
CodecPtr make_optional_codec(CodecPtr inner, OptionalAccess access);

// A list; reading replaces all of it.
struct ListAccess {
  std::function<void(void*)> clear;
  std::function<void*(void*)> append;
  std::function<std::size_t(const void*)> size;
  std::function<const void*(const void*, std::size_t)> get;
};
CodecPtr make_list_codec(CodecPtr element, ListAccess access);

// An object with free keys; reading replaces all of it.
struct MapAccess {
  std::function<void(void*)> clear;
  std::function<void*(void*, const std::string&)> insert;
  std::function<void(const void*, std::function<void(const std::string&, const void*)>)> for_each;
};
CodecPtr make_map_codec(CodecPtr element, MapAccess access);

// A struct with a describe() of its own.
class StructCodec : public Codec, public std::enable_shared_from_this<StructCodec> {
 public:
  void read(const JsonValue& value, void* object, const ReadContext& context) const override;
  JsonValue write(const void* object) const override;
  JsonValue schema(SchemaDefinitions& definitions, const Bounds& bounds) const override;
  std::string type_name() const override;
  std::shared_ptr<const StructCodec> described_struct() const override {
    return shared_from_this();
  }

  // Fills the table with the object's fields.
  virtual void describe_object(FieldTable& table, void* object) const = 0;
  // Calls `use` with a table of a default-constructed object, which lives during the call.
  void with_default(const std::function<void(const FieldTable&)>& use) const;

 protected:
  virtual std::shared_ptr<void> make_default() const = 0;
  // The C++ type's own name in snake_case, for tables without a title.
  virtual std::string default_title() const = 0;
};
using StructCodecPtr = std::shared_ptr<const StructCodec>;

// "ClusterConfig" from the compiler's name of the type, as "cluster_config".
std::string snake_case_type_name(const char* mangled_name);

namespace codec_detail {

template <class Enum>
CodecPtr enum_codec() {
  const EnumNames<Enum> names = names_of(Enum{});
  std::vector<std::string> texts;
  for (const auto& entry : names) texts.push_back(entry.second);
  return make_enum_codec(
      texts,
      [names](const void* object) {
        std::size_t index = 0;
        while (index < names.size() && names[index].first != *static_cast<const Enum*>(object)) {
          ++index;
        }
        return index;
      },
      [names](void* object, std::size_t index) {
        *static_cast<Enum*>(object) = names[index].first;
      });
}

template <class T>
OptionalAccess optional_access() {
  using Optional = std::optional<T>;
  return {[](void* object) -> void* {
            auto& optional = *static_cast<Optional*>(object);
            return optional.has_value() ? &*optional : &optional.emplace();
          },
          [](void* object) { static_cast<Optional*>(object)->reset(); },
          [](const void* object) -> const void* {
            const auto& optional = *static_cast<const Optional*>(object);
            return optional.has_value() ? &*optional : nullptr;
          }};
}

template <class T>
ListAccess list_access() {
  static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no addressable elements");
  using List = std::vector<T>;
  return {[](void* object) { static_cast<List*>(object)->clear(); },
          [](void* object) -> void* { return &static_cast<List*>(object)->emplace_back(); },
          [](const void* object) { return static_cast<const List*>(object)->size(); },
          [](const void* object, std::size_t index) -> const void* {
            return &(*static_cast<const List*>(object))[index];
          }};
}

template <class T>
MapAccess map_access() {
  using Map = std::map<std::string, T>;
  return {[](void* object) { static_cast<Map*>(object)->clear(); },
          [](void* object, const std::string& key) -> void* {
            return &(*static_cast<Map*>(object))[key];
          },
          [](const void* object, std::function<void(const std::string&, const void*)> use) {
            for (const auto& [key, value] : *static_cast<const Map*>(object)) use(key, &value);
          }};
}

template <class T>
class DescribedStructCodec final : public StructCodec {
 public:
  void describe_object(FieldTable& table, void* object) const override {
    describe(table, *static_cast<T*>(object));
  }

 protected:
  std::shared_ptr<void> make_default() const override { return std::make_shared<T>(); }
  std::string default_title() const override { return snake_case_type_name(typeid(T).name()); }
};

}  // namespace codec_detail

template <class T>
StructCodecPtr struct_codec_of() {
  return std::make_shared<const codec_detail::DescribedStructCodec<T>>();
}

template <class T>
CodecPtr codec_of(Type<T>);
template <class T>
CodecPtr codec_of(Type<std::optional<T>>) {
  return make_optional_codec(codec_of(Type<T>{}), codec_detail::optional_access<T>());
}
template <class T>
CodecPtr codec_of(Type<std::vector<T>>) {
  return make_list_codec(codec_of(Type<T>{}), codec_detail::list_access<T>());
}
template <class T>
CodecPtr codec_of(Type<std::map<std::string, T>>) {
  return make_map_codec(codec_of(Type<T>{}), codec_detail::map_access<T>());
}
template <class T>
CodecPtr codec_of(Type<T>) {
  if constexpr (std::is_enum_v<T>) {
    return codec_detail::enum_codec<T>();
  } else if constexpr (requires { make_codec(Type<T>{}); }) {
    return make_codec(Type<T>{});
  } else {
    return struct_codec_of<T>();
  }
}

}  // namespace moesim::base
