// SPDX-License-Identifier: Apache-2.0
#include "experiments/error_place.h"

#include <algorithm>
#include <string>

namespace moesim::experiments {
namespace {

using base::JsonMember;
using base::JsonValue;

// The struct that a key's value is read into, and the names that the key has there.
struct KeyInfo {
  base::StructCodecPtr inner;
  std::vector<std::string> names;
};

KeyInfo info_of(const base::StructCodecPtr& codec, const std::string& key) {
  KeyInfo info{nullptr, {key}};
  if (codec == nullptr) return info;
  codec->with_default([&](const base::FieldTable& table) {
    for (const base::Field& field : table.fields()) {
      if (field.name() != key) continue;
      info.inner = field.codec().described_struct();
      info.names.insert(info.names.end(), field.aliases().begin(), field.aliases().end());
    }
  });
  return info;
}

bool names_section(const base::StructCodecPtr& root, const std::string& pointer) {
  if (!pointer.starts_with('/')) return false;
  const std::string section = pointer.substr(1, pointer.find('/', 1) - 1);
  bool known = false;
  root->with_default([&](const base::FieldTable& table) {
    for (const base::Field& field : table.fields()) known = known || field.name() == section;
  });
  return known;
}

const JsonMember* member_named(const JsonValue& object, const std::vector<std::string>& names) {
  const auto member =
      std::find_if(object.members.begin(), object.members.end(), [&](const JsonMember& candidate) {
        return std::find(names.begin(), names.end(), candidate.key) != names.end();
      });
  return member == object.members.end() ? nullptr : &*member;
}

// Of a list; its items are described by the list's codec.
const JsonValue* item_at(const JsonValue& list, const std::string& key) {
  constexpr std::size_t kMostDigits = 9;
  const bool is_number =
      key.size() <= kMostDigits && key.find_first_not_of("0123456789") == std::string::npos;
  if (list.kind != JsonValue::Kind::array || key.empty() || !is_number) return nullptr;
  const std::size_t index = std::stoul(key);
  return index < list.items.size() ? &list.items[index] : nullptr;
}

}  // namespace

base::Error with_place(const base::Error& error, const JsonValue& document,
                       const base::StructCodecPtr& root) {
  const std::string& pointer = error.where();
  // A file's absolute path begins with '/' too.
  if (!names_section(root, pointer)) return error;
  const JsonValue* value = &document;
  base::StructCodecPtr codec = root;
  base::Place place = document.place;
  std::string walked;
  std::size_t start = 1;
  while (start <= pointer.size()) {
    const std::size_t end = std::min(pointer.find('/', start), pointer.size());
    const std::string key = pointer.substr(start, end - start);
    if (const JsonValue* item = item_at(*value, key)) {
      walked += "/" + key;
      value = item;
      if (!item->place.text().empty()) place = item->place;
      start = end + 1;
      continue;
    }
    const KeyInfo info = info_of(codec, key);
    const JsonMember* member = member_named(*value, info.names);
    if (member == nullptr) break;
    walked += "/" + member->key;
    value = &member->value;
    codec = info.inner;
    // What a flag or a sweep gave under an absent section has its place there.
    if (!value->place.text().empty()) place = value->place;
    start = end + 1;
  }
  if (start <= pointer.size()) walked += pointer.substr(start - 1);
  return {base::where_of(place, walked), error.message(), error.hint()};
}

std::string pointer_of(const base::Error& error, const base::StructCodecPtr& root) {
  const std::string& where = error.where();
  const std::size_t gap = where.rfind("  /");
  if (gap == std::string::npos) return where;
  const std::string pointer = where.substr(gap + 2);
  return names_section(root, pointer) ? pointer : where;  // in another file, it needs its name
}

}  // namespace moesim::experiments
