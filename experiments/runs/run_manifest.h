// SPDX-License-Identifier: Apache-2.0
// What a run says of itself in manifest.json: what was asked, by which build, and how far it came.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json_value.h"
#include "experiments/backend_record.h"
#include "experiments/sweep/sweep.h"

namespace moesim::experiments {

inline constexpr const char* kManifestFile = "manifest.json";

struct RunManifest {
  std::string moesim;  // version
  std::string commit;
  std::string name;
  std::string question;
  std::vector<std::string> axes;
  std::vector<Objective> objectives;
  std::size_t num_points = 0;  // of the whole sweep
  std::string command;
  std::string shard;                 // "2/3" of the sweep; "" for all of it
  std::vector<std::string> merged;   // folders that the run was put together from
  BackendRecord backend = {};        // that trained gates
  std::string config_hash;           // 8 hexadecimal digits over the ids of the sweep's points
  std::string start;                 // UTC
  std::vector<std::string> resumed;  // UTC moments at which the run was taken up again
  std::string status;                // "running", "complete", "points failed", "interrupted", ...
};

// Of a run of these points by this build that begins now.
RunManifest new_manifest(const Sweep& sweep, const std::string& command);

// Without the list of files.
base::JsonValue to_json(const RunManifest& manifest);

// What the manifest says under "objectives", in its order.
std::vector<Objective> objectives_of(const base::JsonValue& manifest);

// Throws base::Error where the folder has none or a damaged one.
RunManifest read_manifest(const std::filesystem::path& folder);

// True when points may be missing.
bool is_unfinished(const RunManifest& manifest);

// True when both were made by the same version and commit.
bool is_same_build(const RunManifest& a, const RunManifest& b);

// "2026-01-31T23:59:59Z", or as the strftime `format` says.
std::string utc_now(const std::string& format = "%Y-%m-%dT%H:%M:%SZ");

}  // namespace moesim::experiments
