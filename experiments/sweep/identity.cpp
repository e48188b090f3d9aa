// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/identity.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/data_directory.h"
#include "base/file_bytes.h"
#include "base/sha256.h"
#include "experiments/build_info.h"
#include "experiments/file_names.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;
namespace fs = std::filesystem;

constexpr std::size_t kIdLength = 12;
constexpr std::array<std::string_view, 6> kForPeople = {"name",  "question",   "$schema",
                                                        "sweep", "objectives", "constraints"};
constexpr std::array<const char*, 6> kPresetFolders = {"model/presets",
                                                       "sim/collectives/presets",
                                                       "sim/cost/presets",
                                                       "topologies/presets/accelerators",
                                                       "topologies/presets/nodes",
                                                       "topologies/presets/clusters"};

std::string hash_of_file(const fs::path& path) {
  return base::sha256_of_file(path, "check its permissions");
}

std::string hash_of_presets() {
  std::string all;
  for (const char* folder : kPresetFolders) {
    for (const std::string& name : base::preset_names(folder)) {
      all += hash_of_file(base::data_directory() / folder / (name + ".json"));
    }
  }
  return base::sha256_hex(all);
}

// A report is made when all points have ended, and changes none of them.
void leave_out_report(JsonValue& document) {
  JsonValue* outputs = document.find("outputs");
  if (outputs == nullptr) return;
  std::erase_if(outputs->members, [](const auto& member) { return member.key == "report"; });
  if (outputs->kind != JsonValue::Kind::object || !outputs->members.empty()) return;
  std::erase_if(document.members, [](const auto& member) { return member.key == "outputs"; });
}

// With members in the order of their keys and files' hashes in the place of their names.
JsonValue canonical(const std::string& key, JsonValue value) {
  if (names_file(key, value)) {
    const fs::path path = resolve_path(value);
    std::error_code unknown;
    if (fs::is_regular_file(path, unknown)) return base::json_of("sha256 " + hash_of_file(path));
  }
  const std::string before = key.empty() ? "" : key + ".";
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    value.items[i] = canonical(before + std::to_string(i), std::move(value.items[i]));
  }
  for (base::JsonMember& member : value.members) {
    member.value = canonical(before + member.key, std::move(member.value));
  }
  std::sort(value.members.begin(), value.members.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  return value;
}

}  // namespace

bool is_for_people(std::string_view key) {
  return std::find(kForPeople.begin(), kForPeople.end(), key) != kForPeople.end();
}

Identity::Identity(const JsonValue& document)
    : common_(build_version() + "\n" + hash_of_presets() + "\n") {
  JsonValue own = document;
  std::erase_if(own.members,
                [](const base::JsonMember& member) { return is_for_people(member.key); });
  leave_out_report(own);
  common_ += base::to_text(canonical("", std::move(own)), base::JsonStyle::compact);
}

std::string Identity::of(const std::map<std::string, JsonValue>& swept) const {
  std::string identity = common_;
  for (const auto& [key, value] : swept) {
    identity += "\n" + key + "=" + base::to_text(canonical(key, value), base::JsonStyle::compact);
  }
  return base::sha256_hex(identity).substr(0, kIdLength);
}

}  // namespace moesim::experiments
