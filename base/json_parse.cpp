// SPDX-License-Identifier: Apache-2.0
// Text to JsonValue: nlohmann/json checks the syntax and reports events; a cursor of our own walks
// the same text beside it to know where each token stands.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/json_value.h"

namespace moesim::base {
namespace {

constexpr std::size_t kMaximumDepth = 64;

// Walks over a text that is valid JSON up to the token asked for.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") offset_ = line_start_ = 3;
  }

  // Goes to the next token: over white space, comments, ',' and ':'.
  void go_to_token() {
    while (offset_ < text_.size()) {
      if (text_[offset_] == '/') {
        skip_comment();
      } else if (std::string_view(" \t\r\n,:").find(text_[offset_]) != std::string_view::npos) {
        step();
      } else {
        return;
      }
    }
  }

  // Steps over a string, a number, a literal or a bracket and returns its text.
  std::string_view take_token() {
    const std::size_t start = offset_;
    if (text_[offset_] == '"') {
      for (++offset_; offset_ < text_.size() && text_[offset_] != '"'; ++offset_) {
        if (text_[offset_] == '\\') ++offset_;
      }
      ++offset_;
    } else if (std::string_view("[]{}").find(text_[offset_]) != std::string_view::npos) {
      ++offset_;
    } else {
      offset_ = std::min(text_.find_first_of(" \t\r\n,:/[]{}\"", offset_), text_.size());
    }
    return text_.substr(start, offset_ - start);
  }

  bool at_end() const { return offset_ >= text_.size(); }

  void go_to_offset(std::size_t offset) {
    while (offset_ < std::min(offset, text_.size())) step();
  }

  void mark(Place& place) const {
    place.line = line_;
    place.column = static_cast<int>(offset_ - line_start_) + 1;
  }

 private:
  void step() {
    if (text_[offset_++] == '\n') {
      ++line_;
      line_start_ = offset_;
    }
  }

  void skip_comment() {
    const bool is_block = text_.substr(offset_, 2) == "/*";
    const std::string_view end = is_block ? "*/" : "\n";
    const std::size_t found = text_.find(end, offset_ + 2);
    go_to_offset(found == std::string_view::npos ? text_.size() : found + end.size());
  }

  std::string_view text_;
  std::size_t offset_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

struct Complaint {
  std::string what;
  std::string hint;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t start = text.find(before);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = text.substr(start + before.size());
  return std::string(rest.substr(0, rest.find(after)));
}

// What the tokenizer complains of, in plain words.
Complaint explain_token(std::string_view message, std::string_view token) {
  if (contains(message, "UTF-8")) {
    return {"a byte that is not UTF-8 text", "save the file as UTF-8"};
  }
  if (contains(message, "missing closing quote")) {
    return {"the text ends within a string", "close it with \""};
  }
  if (contains(message, "control character")) {
    return {"a control character within a string (a string ends on its own line)",
            "close the string with \", or write \\n or \\t"};
  }
  if (contains(message, "invalid string")) {
    return {"a backslash sequence that JSON does not know",
            "write \\\\ for a backslash, \\uXXXX for a character's code"};
  }
  if (contains(message, "invalid comment")) {
    return {"a comment that does not end or does not begin",
            "comments are // to the end of the line, or /* ... */"};
  }
  if (contains(message, "invalid number")) {
    return {"a number that is not complete", "write 1.5, -2 or 1e9"};
  }
  if (contains(message, "BOM")) return {"the file is not UTF-8 text", "save the file as UTF-8"};
  std::string hint = "text needs double quotes; numbers are written 1.5 or 1e9";
  // The token begins where the one before it ended; its last byte is what was not understood.
  if (!token.empty() && token.back() == '\'') hint = "strings take double quotes";
  return {"this is not JSON", hint};
}

// What the parser complains of: a sound token at the wrong place.
Complaint explain_syntax(std::string_view message, bool is_nested) {
  const std::string found = between(message, "unexpected ", ";");
  if (found == "end of input") {
    return {"the text ends before the document does", "close every { with } and every [ with ]"};
  }
  if (contains(message, "expected end of input")) {
    return {"something follows the end of the document", "a file holds one JSON value"};
  }
  if (contains(message, "while parsing object separator")) {
    return {"a key without its value: ':' is missing", "write \"key\": value"};
  }
  const bool after_entry =
      contains(message, "while parsing array") || contains(message, "while parsing object -");
  const bool closes = found == "']'" || found == "'}'";
  if (closes && is_nested && !after_entry) {
    return {"a comma or a colon before " + found + " has no value after it", "remove the comma"};
  }
  if (contains(message, "while parsing object key")) {
    return {"expected a key in double quotes, found " + found, "write \"key\": value"};
  }
  if (after_entry) {
    return {"expected ',' or the closing bracket, found " + found,
            "put a comma between two entries"};
  }
  return {"expected a value, found " + found, "write a value here, or remove the comma before it"};
}

// The receiver of nlohmann/json's events.
class Builder {
 public:
  using json = nlohmann::json;

  Builder(std::string_view text, const std::string& origin)
      : text_(text), cursor_(text), origin_(std::make_shared<const std::string>(origin)) {}

  JsonValue take() { return std::move(root_); }

  bool null() { return leaf(JsonValue::Kind::null), true; }
  bool boolean(bool value) { return leaf(JsonValue::Kind::boolean).boolean = value, true; }

  bool number_integer(std::int64_t value) {
    JsonValue& number = add_number(static_cast<double>(value));
    number.integral = true;
    return true;
  }

  bool number_unsigned(std::uint64_t value) {
    JsonValue& number = add_number(static_cast<double>(value));
    number.integral = value <= static_cast<std::uint64_t>(INT64_MAX);
    return true;
  }

  bool number_float(double value, const std::string&) {
    const JsonValue& number = add_number(value);
    const std::string_view digits =
        std::string_view(number.text).substr(0, number.text.find_first_of("eE"));
    if (value == 0 && digits.find_first_of("123456789") != std::string_view::npos) {
      throw Error(number.place.text(), "the number " + number.text + " is too small",
                  "the smallest is about 1e-308");
    }
    return true;
  }

  bool string(std::string& value) {
    leaf(JsonValue::Kind::string).text = std::move(value);
    return true;
  }

  bool binary(json::binary_t&) { return false; }

  bool start_object(std::size_t) { return open(JsonValue::Kind::object); }
  bool start_array(std::size_t) { return open(JsonValue::Kind::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    key_place_ = next_place();
    cursor_.take_token();
    const auto [known, is_new] = levels_.back().key_lines.emplace(name, key_place_.line);
    if (!is_new) {
      throw Error(key_place_.text(), "the key \"" + name + "\" is given twice",
                  "the first is in line " + std::to_string(known->second) + "; keep one");
    }
    key_ = std::move(name);
    return true;
  }

  // `position` counts the bytes read; throws instead of returning.
  bool parse_error(std::size_t position, const std::string& token, const json::exception& error) {
    constexpr int kOutOfRange = 406;
    const std::string_view message = error.what();
    Complaint complaint;
    std::size_t start = position == 0 ? 0 : position - 1;
    if (error.id == kOutOfRange) {
      complaint = {"the number " + shown(token) + " is too large", "the largest is about 1.8e308"};
      start = position - std::min(position, token.size());
    } else if (contains(message, "- unexpected ")) {
      complaint = explain_syntax(message, !levels_.empty());
      if (contains(message, "unexpected string") || contains(message, "unexpected number")) {
        start = position - std::min(position, token.size());
      }
    } else {
      complaint = explain_token(message, token);
    }
    Place place{origin_, 0, 0};
    Cursor cursor(text_);
    cursor.go_to_offset(start);
    cursor.mark(place);
    throw Error(place.text(), complaint.what, complaint.hint);
  }

 private:
  struct Level {
    JsonValue* value;
    std::map<std::string, int> key_lines;
  };

  static std::string shown(const std::string& token) {
    return token.size() <= 40 ? token : token.substr(0, 37) + "...";
  }

  Place next_place() {
    Place place{origin_, 0, 0};
    cursor_.go_to_token();
    cursor_.mark(place);
    return place;
  }

  // Makes room for the next value where it belongs. An open array or object does not move while
  // it is open, because only the innermost one grows.
  JsonValue& add(JsonValue::Kind kind) {
    JsonValue* value = &root_;
    if (!levels_.empty() && levels_.back().value->kind == JsonValue::Kind::array) {
      value = &levels_.back().value->items.emplace_back();
    } else if (!levels_.empty()) {
      auto& members = levels_.back().value->members;
      members.push_back({std::move(key_), key_place_, JsonValue{}});
      value = &members.back().value;
    }
    value->kind = kind;
    value->place = next_place();
    return *value;
  }

  JsonValue& leaf(JsonValue::Kind kind) {
    JsonValue& value = add(kind);
    cursor_.take_token();
    return value;
  }

  JsonValue& add_number(double number) {
    JsonValue& value = add(JsonValue::Kind::number);
    value.number = number;
    value.text = cursor_.take_token();
    return value;
  }

  bool open(JsonValue::Kind kind) {
    JsonValue& value = add(kind);
    cursor_.take_token();
    levels_.push_back({&value, {}});
    if (levels_.size() > kMaximumDepth) {
      throw Error(value.place.text(), "nested deeper than 64 levels", "flatten the document");
    }
    return true;
  }

  bool close() {
    cursor_.go_to_token();
    cursor_.take_token();
    levels_.pop_back();
    return true;
  }

  std::string_view text_;
  Cursor cursor_;
  std::shared_ptr<const std::string> origin_;
  JsonValue root_;
  std::vector<Level> levels_;
  std::string key_;
  Place key_place_;
};

}  // namespace

JsonValue parse_json(std::string_view text, const std::string& origin) {
  Cursor cursor(text);
  cursor.go_to_token();
  Place place{std::make_shared<const std::string>(origin), 0, 0};
  cursor.mark(place);
  if (cursor.at_end()) {
    const bool is_blank = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF") == std::string_view::npos;
    throw Error(place.text(), is_blank ? "the text is empty" : "the text holds comments alone",
                "a document is at least {}");
  }
  if (text.find('\0') != std::string_view::npos) {
    throw Error(place.text(), "this is a binary file, not JSON text");
  }
  Builder builder(text, origin);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder,
                            nlohmann::json::input_format_t::json, true, true);
  return builder.take();
}

}  // namespace moesim::base
