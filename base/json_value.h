// SPDX-License-Identifier: Apache-2.0
// A JSON document as values that remember where they came from, so that every later complaint can
// name file, line and column. Comments (// and /* */) are allowed; duplicate keys are errors.
#pragma once

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

  // "file:line:column", or the origin alone.
  std::string text() const;
};

struct JsonMember;

struct JsonValue {
  enum class Kind { null, boolean, number, string, array, object };

  Kind kind = Kind::null;
  bool boolean = false;
  double number = 0;               // finite
  bool integral = false;           // the number was written without '.', 'e' and fits std::int64_t
  std::string text;                // a string's value; a number's literal text
  std::vector<JsonValue> items;    // array
  std::vector<JsonMember> members; // object, in the document's order
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

// Reads a regular file of at most 16 MiB; a missing file, a folder or a larger file is an Error.
JsonValue read_json_file(const std::filesystem::path& path);

// RFC 7396: members of `patch` replace or, when null, keep their null (a null here *sets* null,
// since null is a meaningful value for us: capacity_factor null = dropless); objects merge.
void merge_json(JsonValue& target, const JsonValue& patch);

// Applies "a.b=c": c is read as JSON where it parses, else taken as a string. Intermediate objects
// are made. The new value's place is `--set a.b=c`. Throws Error on a malformed assignment.
void set_json(JsonValue& root, const std::string& assignment);

}  // namespace moesim::base
