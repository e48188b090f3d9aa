// SPDX-License-Identifier: Apache-2.0
// A JSON document as values that remember where they came from, so that every later complaint can
// name file, line and column. Comments (// and /* */) are allowed; duplicate keys are errors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace moesim::base {

// Where a value stands. `origin` is a file's path as the user wrote it, or a flag ("--set a.b=c").
struct Place {
  std::shared_ptr<const std::string> origin;
  int line = 0;    // 1-based; 0 when the origin has no lines (a flag)
  int column = 0;  // 1-based, in bytes

  // "file:line:column", or the origin alone; "" for a value made by code.
  std::string text() const;
  // True when a flag or a sweep, not a file, gave the value: an origin without lines.
  bool is_override() const;
};

struct JsonMember;

struct JsonValue {
  enum class Kind { null, boolean, number, string, array, object };

  Kind kind = Kind::null;
  bool boolean = false;
  double number = 0;                // finite
  bool integral = false;            // the number was written without '.', 'e' and fits std::int64_t
  std::string text;                 // a string's value; a number's literal text
  std::vector<JsonValue> items;     // array
  std::vector<JsonMember> members;  // object, in the document's order
  Place place;

  const JsonValue* find(std::string_view key) const;  // nullptr when absent or not an object
  JsonValue* find(std::string_view key);
};

struct JsonMember {
  std::string key;
  Place place;  // of the key
  JsonValue value;
};

// Throws Error{place, what, hint} on anything that is not one JSON document in UTF-8: syntax,
// duplicate keys, numbers that double cannot hold, nesting deeper than 64.
JsonValue parse_json(std::string_view text, const std::string& origin);

// Reads a regular file of at most 16 MiB. A missing or unreadable file, anything that is not a
// regular file (folder, pipe, device) and a larger file are Errors.
JsonValue read_json_file(const std::filesystem::path& path);

// Values made by code; they have no place. A number must be finite.
JsonValue json_of(bool value);
JsonValue json_of(double value);
JsonValue json_of(std::int64_t value);
JsonValue json_of(std::uint64_t value);
JsonValue json_of(int value);
JsonValue json_of(std::string value);
JsonValue json_of(const char* value);
JsonValue json_array();
JsonValue json_object();
// Appends a member to an object (the key must be new); returns the value inside the object.
JsonValue& add_member(JsonValue& object, std::string key, JsonValue value);

// As text: `indented` by two spaces a level, `compact` on one line; neither ends in a newline.
// Numbers keep their literal text; numbers made by code get the shortest text that reads back.
// Bytes that are not UTF-8 become U+FFFD.
enum class JsonStyle { indented, compact };
std::string to_text(const JsonValue& value, JsonStyle style = JsonStyle::indented);

// RFC 7396 with one difference: null in `patch` *sets* null, since null is a meaningful value for
// us (capacity_factor null = dropless). Objects merge member by member and take the patch's place.
void merge_json(JsonValue& target, const JsonValue& patch);

// Puts `value` at the dotted path "a.b"; objects on the way are made where they are absent or null,
// items of lists are told by their number from 0: "jobs.1.start". Throws Error{flag, ...} on an
// empty key, an item that there is not, or a key under what is neither object nor list.
void set_json_at(JsonValue& root, std::string_view path, JsonValue value, const std::string& flag);

// Applies "a.b=c": c is read as JSON where it parses, else taken as a string (so that `2 us` needs
// no quotes); what begins like an object or a list must parse. The new value's place is
// `--set a.b=c`. Throws Error on a malformed assignment.
void set_json(JsonValue& root, const std::string& assignment);

}  // namespace moesim::base
