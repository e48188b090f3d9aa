// SPDX-License-Identifier: Apache-2.0
#include "experiments/file_names.h"

#include <algorithm>
#include <array>
#include <functional>

#include "sim/cost/cost_table.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

// The last words of keys; the two of a pair tell cluster.file from other files.
constexpr std::array<std::string_view, 4> kFileKeys = {"cluster.file", "model.hf_config",
                                                       "routing.trace", "proxy.text"};
constexpr std::string_view kTrainingText = "text";
constexpr std::string_view kCostTable = "accelerator.cost_table";

bool has_word(std::string_view key, std::string_view word) {
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('.', begin), key.size());
    if (key.substr(begin, end - begin) == word) return true;
    begin = end + 1;
  }
  return false;
}

bool ends_in(std::string_view key, std::string_view words) {
  if (!key.ends_with(words)) return false;
  return key.size() == words.size() || key[key.size() - words.size() - 1] == '.';
}

std::string joined(const std::string& key, const std::string& word) {
  return key.empty() ? word : key + "." + word;
}

// Calls `use` with every value that names a file and its key.
template <class Value>
void for_each_file(const std::string& key, Value& value,
                   const std::function<void(const std::string&, Value&)>& use) {
  if (names_file(key, value)) use(key, value);
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    for_each_file<Value>(joined(key, std::to_string(i)), value.items[i], use);
  }
  for (auto& member : value.members)
    for_each_file<Value>(joined(key, member.key), member.value, use);
}

}  // namespace

std::filesystem::path resolve_path(const JsonValue& value) {
  const std::filesystem::path path = value.text;
  if (path.is_absolute() || value.place.line == 0) return path;
  return std::filesystem::path(*value.place.origin).parent_path() / path;
}

bool names_file(std::string_view key, const JsonValue& value) {
  if (value.kind != JsonValue::Kind::string || value.text.empty()) return false;
  if (has_word(key, "sources")) return false;
  if (ends_in(key, kCostTable)) return sim::is_cost_table_file(value.text);
  return key == kTrainingText ||
         std::any_of(kFileKeys.begin(), kFileKeys.end(),
                     [&](std::string_view words) { return ends_in(key, words); });
}

std::vector<NamedFile> files_named_in(std::string_view key, const JsonValue& value) {
  std::vector<NamedFile> files;
  for_each_file<const JsonValue>(std::string(key), value,
                                 [&](const std::string& at, const JsonValue& file) {
                                   files.push_back({at, &file});
                                 });
  return files;
}

JsonValue resolve_files(std::string_view key, JsonValue value) {
  for_each_file<JsonValue>(std::string(key), value, [](const std::string&, JsonValue& file) {
    file.text = std::filesystem::absolute(resolve_path(file)).lexically_normal().string();
  });
  return value;
}

std::string pointer_of_key(std::string_view key) {
  std::string pointer = "/" + std::string(key);
  std::replace(pointer.begin(), pointer.end(), '.', '/');
  return pointer;
}

}  // namespace moesim::experiments
