// SPDX-License-Identifier: Apache-2.0
// The reference page: one Markdown table per struct, outer structs first.
#include <set>

#include "base/codec_errors.h"
#include "base/json_reader.h"

namespace moesim::base {
namespace {

// A table cell is one line and has no bare '|'.
std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

std::string type_cell(const Field& field) {
  const std::string bounds =
      bounds_text(field.bounds(), [&](double bound) { return field.codec().bound_text(bound); });
  return field.codec().type_name() + (bounds.empty() ? "" : "; " + bounds);
}

std::string default_cell(const Field& field) {
  if (field.is_required()) return "*required*";
  const JsonValue value = field.codec().write(field.object());
  if (value.kind == JsonValue::Kind::object && !value.members.empty()) return "";
  return std::string("`").append(to_text(value, JsonStyle::compact)).append("`");
}

std::string meaning_cell(const Field& field) {
  std::string text = field.docs();
  if (!field.condition().empty()) text += " Only used when " + field.condition() + ".";
  for (const std::string& alias : field.aliases()) text += " Also accepted: `" + alias + "`.";
  return text;
}

std::string table_text(const FieldTable& table) {
  std::string text = "\n| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const Field& field : table.fields()) {
    text += "| `" + field.name() + "` | " + cell(type_cell(field)) + " | " +
            cell(default_cell(field)) + " | " + cell(meaning_cell(field)) + " |\n";
  }
  return text;
}

}  // namespace

std::string reader_detail::reference(const StructCodecPtr& codec, const std::string& title) {
  std::string page = "# " + title + "\n";
  std::set<std::string> queued;
  std::vector<StructCodecPtr> queue = {codec};
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const StructCodecPtr current = queue[next];
    current->with_default([&](const FieldTable& table) {
      queued.insert(table.name());
      if (next > 0) page += "\n## " + table.name() + "\n";
      if (!table.docs().empty()) page += "\n" + table.docs() + "\n";
      page += table_text(table);
      for (const Field& field : table.fields()) {
        const StructCodecPtr inner = field.codec().described_struct();
        if (inner == nullptr) continue;
        inner->with_default([&](const FieldTable& inner_table) {
          if (queued.insert(inner_table.name()).second) queue.push_back(inner);
        });
      }
    });
  }
  return page;
}

}  // namespace moesim::base
