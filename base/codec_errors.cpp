// SPDX-License-Identifier: Apache-2.0
#include "base/codec_errors.h"

#include "base/error.h"

namespace moesim::base {
namespace {

std::string escaped(const std::string& key) {
  std::string text;
  for (const char c : key) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string Codec::bound_text(double bound) const { return number_text(bound); }

ReadContext ReadContext::at(const std::string& key) const {
  ReadContext inner = *this;
  inner.pointer.append("/").append(escaped(key));
  return inner;
}

std::string where_of(const Place& place, const std::string& pointer) {
  const std::string text = place.text();
  if (text.empty()) return pointer;
  return pointer.empty() ? text : text + "  " + pointer;
}

std::string placed_text(const ReadWarning& warning) {
  return where_of(warning.place, warning.pointer) + ": " + warning.what;
}

std::vector<std::string> placed_texts(const std::vector<ReadWarning>& warnings) {
  std::vector<std::string> texts;
  for (const ReadWarning& warning : warnings) texts.push_back(placed_text(warning));
  return texts;
}

std::string placeless_text(const ReadWarning& warning) {
  return warning.pointer + ": " + warning.what;
}

std::string found_text(const JsonValue& value) {
  constexpr std::size_t kLongest = 40;
  switch (value.kind) {
    case JsonValue::Kind::array:
      return "a list";
    case JsonValue::Kind::object:
      return "an object";
    case JsonValue::Kind::string:
      if (value.text.size() > kLongest) {
        return "the string \"" + value.text.substr(0, kLongest - 3) + "...\"";
      }
      return "the string \"" + value.text + "\"";
    default:
      return to_text(value, JsonStyle::compact).substr(0, kLongest);
  }
}

void fail_type(const JsonValue& value, const ReadContext& context, const std::string& expected,
               const std::string& hint) {
  throw Error(where_of(value.place, context.pointer),
              "expected " + expected + ", found " + found_text(value), hint);
}

std::string number_text(double value) { return to_text(json_of(value), JsonStyle::compact); }

std::string bounds_text(const Bounds& bounds, const BoundText& text) {
  std::string result;
  const auto add = [&](const char* word, const std::optional<double>& bound) {
    if (bound.has_value()) result += (result.empty() ? "" : ", ") + (word + text(*bound));
  };
  add("above ", bounds.above);
  add("at least ", bounds.at_least);
  add("at most ", bounds.at_most);
  return result;
}

void check_bounds(double number, const JsonValue& value, const ReadContext& context,
                  const BoundText& text) {
  const Bounds& bounds = context.bounds;
  const bool holds = (!bounds.above || number > *bounds.above) &&
                     (!bounds.at_least || number >= *bounds.at_least) &&
                     (!bounds.at_most || number <= *bounds.at_most);
  if (holds) return;
  const std::string found =
      value.kind == JsonValue::Kind::string ? "\"" + value.text + "\"" : found_text(value);
  throw Error(where_of(value.place, context.pointer),
              "must be " + bounds_text(bounds, text) + "; found " + found);
}

}  // namespace moesim::base
