// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/run_manifest.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "base/named_table.h"
#include "base/sha256.h"
#include "experiments/build_info.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string text_at(const JsonValue& object, const char* key) {
  const JsonValue* value = object.find(key);
  return value != nullptr ? value->text : std::string();
}

std::vector<std::string> texts_at(const JsonValue& object, const char* key) {
  std::vector<std::string> texts;
  const JsonValue* list = object.find(key);
  if (list == nullptr) return texts;
  for (const JsonValue& item : list->items) texts.push_back(item.text);
  return texts;
}

void add_texts(JsonValue& object, const char* key, const std::vector<std::string>& texts) {
  JsonValue& list = base::add_member(object, key, base::json_array());
  for (const std::string& text : texts) list.items.push_back(base::json_of(text));
}

}  // namespace

std::vector<Objective> objectives_of(const JsonValue& manifest) {
  std::vector<Objective> objectives;
  const JsonValue* found = manifest.find("objectives");
  if (found == nullptr) return objectives;
  for (const base::JsonMember& member : found->members) {
    const bool is_min = member.value.text == "min";
    objectives.push_back({member.key, is_min ? Direction::min : Direction::max});
  }
  return objectives;
}

std::string utc_now(const std::string& format) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format(fmt::runtime("{:" + format + "}"), fmt::gmtime(now));
}

RunManifest new_manifest(const Sweep& sweep, const std::string& command) {
  RunManifest manifest;
  manifest.moesim = build_version();
  manifest.commit = build_commit();
  manifest.name = sweep.name;
  manifest.question = sweep.question;
  manifest.axes = sweep.axes;
  manifest.objectives = sweep.objectives;
  manifest.num_points = sweep.points.size();
  manifest.command = command;
  std::string identities;
  for (const Point& point : sweep.points) identities += point.id;
  manifest.config_hash = base::sha256_hex(identities).substr(0, 8);
  manifest.start = utc_now();
  manifest.status = "running";
  return manifest;
}

JsonValue to_json(const RunManifest& manifest) {
  JsonValue json = base::json_object();
  base::add_member(json, "moesim", base::json_of(manifest.moesim));
  base::add_member(json, "commit", base::json_of(manifest.commit));
  JsonValue& versions = base::add_member(json, "versions", base::json_object());
  for (const auto& [name, version] : component_versions()) {
    base::add_member(versions, name, base::json_of(version));
  }
  add_members(json, manifest.backend);
  base::add_member(json, "name", base::json_of(manifest.name));
  base::add_member(json, "question", base::json_of(manifest.question));
  add_texts(json, "axes", manifest.axes);
  JsonValue& objectives = base::add_member(json, "objectives", base::json_object());
  for (const Objective& objective : manifest.objectives) {
    base::add_member(objectives, objective.figure,
                     base::json_of(base::name_in_words(objective.direction)));
  }
  base::add_member(json, "num_points",
                   base::json_of(static_cast<std::int64_t>(manifest.num_points)));
  if (!manifest.shard.empty()) base::add_member(json, "shard", base::json_of(manifest.shard));
  if (!manifest.merged.empty()) add_texts(json, "merged", manifest.merged);
  base::add_member(json, "command", base::json_of(manifest.command));
  base::add_member(json, "host", base::json_of(host_name()));
  base::add_member(json, "config_hash", base::json_of(manifest.config_hash));
  base::add_member(json, "start", base::json_of(manifest.start));
  if (!manifest.resumed.empty()) add_texts(json, "resumed", manifest.resumed);
  base::add_member(json, "status", base::json_of(manifest.status));
  return json;
}

RunManifest read_manifest(const std::filesystem::path& folder) {
  const JsonValue json = base::read_json_file(folder / kManifestFile);
  RunManifest manifest;
  manifest.moesim = text_at(json, "moesim");
  manifest.commit = text_at(json, "commit");
  manifest.backend = backend_record_in(json);
  manifest.name = text_at(json, "name");
  manifest.question = text_at(json, "question");
  manifest.axes = texts_at(json, "axes");
  manifest.objectives = objectives_of(json);
  if (const JsonValue* points = json.find("num_points")) {
    manifest.num_points = static_cast<std::size_t>(points->number);
  }
  manifest.command = text_at(json, "command");
  manifest.shard = text_at(json, "shard");
  manifest.merged = texts_at(json, "merged");
  manifest.config_hash = text_at(json, "config_hash");
  manifest.start = text_at(json, "start");
  manifest.resumed = texts_at(json, "resumed");
  manifest.status = text_at(json, "status");
  return manifest;
}

bool is_unfinished(const RunManifest& manifest) {
  return manifest.status != "complete" && manifest.status != "points failed";
}

bool is_same_build(const RunManifest& a, const RunManifest& b) {
  return a.moesim == b.moesim && a.commit == b.commit;
}

}  // namespace moesim::experiments
