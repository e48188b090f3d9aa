// SPDX-License-Identifier: Apache-2.0
// JsonValue as text.
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json_value.h"

namespace moesim::base {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string number_text(const JsonValue& value) {
  if (!value.text.empty()) return value.text;
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value.number);
  CHECK(result.ec == std::errc{}, "the shortest form of a double has at most 24 characters");
  return std::string(buffer, result.ptr);
}

class Writer {
 public:
  explicit Writer(JsonStyle style) : indented_(style == JsonStyle::indented) {}

  void write(const JsonValue& value) {
    switch (value.kind) {
      case JsonValue::Kind::null:
        text_ += "null";
        break;
      case JsonValue::Kind::boolean:
        text_ += value.boolean ? "true" : "false";
        break;
      case JsonValue::Kind::number:
        text_ += number_text(value);
        break;
      case JsonValue::Kind::string:
        text_ += quoted(value.text);
        break;
      case JsonValue::Kind::array:
        write_array(value);
        break;
      case JsonValue::Kind::object:
        write_object(value);
        break;
    }
  }

  std::string take() { return std::move(text_); }

 private:
  void write_array(const JsonValue& value) {
    open('[');
    bool first = true;
    for (const JsonValue& item : value.items) {
      begin_entry(first);
      write(item);
      first = false;
    }
    close(']', first);
  }

  void write_object(const JsonValue& value) {
    open('{');
    bool first = true;
    for (const JsonMember& member : value.members) {
      begin_entry(first);
      text_ += quoted(member.key) + (indented_ ? ": " : ":");
      write(member.value);
      first = false;
    }
    close('}', first);
  }

  void open(char bracket) {
    text_ += bracket;
    ++depth_;
  }

  void begin_entry(bool first) {
    if (!first) text_ += ',';
    new_line();
  }

  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) new_line();
    text_ += bracket;
  }

  void new_line() {
    if (indented_) text_ += '\n' + std::string(2 * depth_, ' ');
  }

  bool indented_;
  std::size_t depth_ = 0;
  std::string text_;
};

}  // namespace

std::string to_text(const JsonValue& value, JsonStyle style) {
  Writer writer(style);
  writer.write(value);
  return writer.take();
}

}  // namespace moesim::base
