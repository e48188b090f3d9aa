// SPDX-License-Identifier: Apache-2.0
#include "base/data_directory.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"

namespace moesim::base {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;  // what cannot be looked at is as good as absent
  return fs::is_directory(path, ignored);
}

// Empty when the system does not say (no /proc).
fs::path installed_data() {
  std::error_code failure;
  const fs::path binary = fs::read_symlink("/proc/self/exe", failure);
  if (failure) return {};
  return (binary.parent_path() / ".." / "share" / "moesim").lexically_normal();
}

// A name stays in its folder: no separators, no leading dot.
bool is_plain_name(const std::string& name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), is_allowed);
}

std::string unknown_preset_hint(const std::string& name, const std::string& folder) {
  const std::vector<std::string> known = preset_names(folder);
  if (known.empty()) return "there are no presets in " + (data_directory() / folder).string();
  std::string list = "presets in " + folder + ":";
  for (const std::string& candidate : known) list += " " + candidate;
  const std::string nearest = did_you_mean(name, known);
  return nearest.empty() ? list : nearest + " " + list;
}

}  // namespace

fs::path data_directory() {
  const char* variable = std::getenv("MOESIM_DATA_DIR");
  // Set means meant: a typing error must not fall back to other data.
  if (variable != nullptr && *variable != '\0') {
    if (is_folder(variable)) return variable;
    throw Error("MOESIM_DATA_DIR", "there is no folder " + std::string(variable),
                "correct the variable, or unset it to use the data that came with the program");
  }
  const fs::path installed = installed_data();
  if (is_folder(installed)) return installed;
  const fs::path source = MOESIM_SOURCE_DIR;
  if (is_folder(source)) return source;
  throw Error("", "the data that ships with moesim (presets, catalogue) is not found",
              "set MOESIM_DATA_DIR; looked in " + installed.string() + " and " + source.string());
}

std::vector<std::string> preset_names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(data_directory() / folder, failure)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

JsonValue resolve_preset(const JsonValue& object, const std::string& folder) {
  const JsonValue* preset = object.find("preset");
  // An empty name is the default of a struct written in full: no preset.
  if (preset == nullptr || (preset->kind == JsonValue::Kind::string && preset->text.empty())) {
    return object;
  }
  const std::string where = preset->place.text();
  if (preset->kind != JsonValue::Kind::string) {
    throw Error(where, "a preset is a name in quotes", unknown_preset_hint("", folder));
  }
  const std::string& name = preset->text;
  if (!is_plain_name(name)) {
    throw Error(where, "\"" + name.substr(0, 100) + "\" cannot be a preset's name",
                "letters, digits, '.', '_' and '-' alone; " + unknown_preset_hint(name, folder));
  }
  const fs::path path = data_directory() / folder / (name + ".json");
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw Error(where, "unknown preset \"" + name + "\"", unknown_preset_hint(name, folder));
  }
  JsonValue merged = read_json_file(path);
  if (merged.kind != JsonValue::Kind::object) {
    throw Error(merged.place.text(), "a preset is an object {...}");
  }
  // What comes later wins: a preset named by a flag or a sweep replaces what a file wrote of its
  // keys, and leaves the keys that it does not have.
  JsonValue others = object;
  if (preset->place.is_override()) {
    std::erase_if(others.members, [&](const JsonMember& member) {
      return !member.value.place.is_override() && member.key != "preset" &&
             merged.find(member.key) != nullptr;
    });
  }
  merge_json(merged, others);
  return merged;
}

}  // namespace moesim::base
