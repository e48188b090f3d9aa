// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/resume.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "experiments/runs/point_files.h"
#include "experiments/sweep/sweep_values.h"

namespace moesim::experiments {
namespace {

using base::Error;
namespace fs = std::filesystem;

constexpr const char* kFresh = "--fresh starts a new run";

std::optional<RunManifest> manifest_in(const fs::path& folder) {
  std::error_code unknown;
  if (!fs::exists(folder / kManifestFile, unknown)) return std::nullopt;
  try {
    return read_manifest(folder);
  } catch (const Error&) {
    return std::nullopt;  // not a run's, or a damaged one: a new run begins
  }
}

void check_same_experiment(const fs::path& folder, const RunManifest& old, const RunManifest& now) {
  if (!is_same_build(old, now)) {
    throw Error(folder.string(),
                "was made by moesim " + old.moesim + " (" + old.commit + "), and this is moesim " +
                    now.moesim + " (" + now.commit + "): their results do not mix",
                std::string("resume it with the same build; ") + kFresh);
  }
  if (old.name != now.name) {
    throw Error(folder.string(), "is a run of \"" + old.name + "\", not of \"" + now.name + "\"",
                "name the run's own experiment file");
  }
  if (old.shard != now.shard) {
    const auto name = [](const std::string& shard) {
      return shard.empty() ? std::string("the whole sweep") : "shard " + shard;
    };
    throw Error(folder.string(), "is a run of " + name(old.shard) + ", not of " + name(now.shard),
                old.shard.empty() ? "leave --shard out" : "add --shard " + old.shard);
  }
  if (const std::string& arithmetic = old.backend.arithmetic;
      arithmetic != now.backend.arithmetic) {
    throw Error(folder.string(),
                "was computed in " + arithmetic_in_words(arithmetic) + ", and this would be " +
                    arithmetic_in_words(now.backend.arithmetic) + ": their results do not mix",
                "go on with " + backend_flag(arithmetic) + "; " + kFresh);
  }
  if (old.num_points == 1 || now.num_points == 1) {
    throw Error(folder.string(), "only sweeps are resumed, and this is a run of one point",
                "run it again without --resume");
  }
}

// FoundRun::obstacle.
std::string obstacle_to(const RunManifest& old, const RunManifest& now) {
  if (!is_same_build(old, now)) return "of another build of moesim";
  const std::string& arithmetic = old.backend.arithmetic;
  if (arithmetic == now.backend.arithmetic) return {};
  return "in " + arithmetic_in_words(arithmetic) + " (" + backend_flag(arithmetic) +
         " goes on with it)";
}

// For each row the point that it is of.
class Rows {
 public:
  explicit Rows(const Sweep& sweep) {
    for (const Point& point : sweep.points) free_.emplace(point.id, point.index);
  }

  // The index of the row's point, which no other row is then given: runs of earlier versions may
  // have two rows of one. nullopt where there is none.
  std::optional<std::size_t> take(const JournalRow& row) {
    const auto point = free_.find(row.id);
    if (point == free_.end()) return std::nullopt;
    const std::size_t index = point->second;
    free_.erase(point);
    return index;
  }

 private:
  std::map<std::string, std::size_t> free_;
};

// Keeps the rows of the sweep's points; returns how many had to go.
std::size_t adopt_rows(Journal& journal, const ResumeRequest& request) {
  Rows points(request.sweep);
  std::vector<JournalRow> kept;
  std::size_t dropped = 0;
  for (const JournalRow& row : journal.rows()) {
    const std::optional<std::size_t> index = points.take(row);
    if (!index) {
      ++dropped;
    } else if (!request.retry_failed || row.status != "failed") {
      kept.push_back(row);
      kept.back().index = *index;
    }
  }
  if (dropped > 0 && dropped == journal.rows().size()) {
    throw Error(journal.path().parent_path().string(),
                "none of its " + std::to_string(dropped) + " points is in this sweep",
                std::string("is it the right run? ") + kFresh);
  }
  const bool is_unchanged =
      std::equal(kept.begin(), kept.end(), journal.rows().begin(), journal.rows().end(),
                 [](const auto& a, const auto& b) { return a.id == b.id && a.index == b.index; });
  if (!is_unchanged) journal.rewrite(std::move(kept));
  return dropped;
}

// The id in the folder's result.json; "" where it has none.
std::string id_in(const fs::path& folder) {
  std::error_code unknown;
  if (!fs::exists(folder / "result.json", unknown)) return {};
  const base::JsonValue result = base::read_json_file(folder / "result.json");
  const base::JsonValue* scenario = result.find("scenario");
  const base::JsonValue* id = scenario != nullptr ? scenario->find("point") : nullptr;
  return id != nullptr ? id->text : std::string();
}

// The point that the folder's result is of, or else the one with its label.
const Point* point_of(const fs::path& folder, const Sweep& sweep) {
  const std::string id = id_in(folder);
  const std::string name = folder.filename().string();
  const std::string label = name.substr(name.find('-') + 1);
  const auto found =
      std::find_if(sweep.points.begin(), sweep.points.end(), [&](const Point& point) {
        return id.empty() ? as_file_name(point.label) == label : point.id == id;
      });
  return found != sweep.points.end() ? &*found : nullptr;
}

void set_index(const fs::path& folder, std::size_t index) {
  std::error_code unknown;
  const fs::path file = folder / "result.json";
  if (!fs::exists(file, unknown)) return;
  base::JsonValue result = base::read_json_file(file);
  base::set_json_at(result, "scenario.index", base::json_of(static_cast<std::int64_t>(index)),
                    "index");
  write_file(file, base::to_text(result) + "\n");
}

// True where the folder bears the name of the point whose files it holds. Only labels that are cut
// to their length can be those of several points.
bool is_in_place(const fs::path& folder, const std::map<std::string, const Point*>& by_name) {
  const auto found = by_name.find(folder.filename().string());
  if (found == by_name.end()) return false;
  if (as_file_name(found->second->label).size() >= found->second->label.size()) return true;
  const std::string id = id_in(folder);
  return id.empty() || id == found->second->id;
}

// Folders under the numbers that the points have now. A program that ends in the middle leaves
// names that the next one puts right.
void adopt_folders(const fs::path& run, const Sweep& sweep) {
  std::error_code unknown;
  if (!fs::is_directory(run / "points", unknown)) return;
  std::map<std::string, const Point*> by_name;
  for (const Point& point : sweep.points) {
    by_name.emplace(point_folder_name(point).filename().string(), &point);
  }
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(run / "points")) {
    if (!is_in_place(entry.path(), by_name)) folders.push_back(entry.path());
  }
  for (fs::path& folder : folders) {
    if (folder.filename().string().starts_with("moved.")) continue;
    const fs::path aside = folder.parent_path() / ("moved." + folder.filename().string());
    fs::rename(folder, aside, unknown);
    folder = aside;
  }
  for (const fs::path& folder : folders) {
    const Point* point = point_of(folder, sweep);
    if (point != nullptr && !fs::exists(run / point_folder_name(*point), unknown)) {
      set_index(folder, point->index);
      fs::rename(folder, run / point_folder_name(*point), unknown);
    } else {
      fs::remove_all(folder, unknown);
    }
  }
}

}  // namespace

std::optional<FoundRun> find_run(const fs::path& root, const ResumeRequest& request) {
  RunManifest now = new_manifest(request.sweep, request.command);
  now.backend = request.backend;
  struct Candidate {
    fs::path folder;
    RunManifest manifest;
    std::string obstacle;
  };
  std::optional<Candidate> newest;
  std::error_code unknown;
  for (const auto& entry : fs::directory_iterator(root / now.name, unknown)) {
    if (entry.is_symlink() || entry.path().filename().string().starts_with('.')) continue;
    std::optional<RunManifest> manifest = manifest_in(entry.path());
    if (!manifest || manifest->config_hash != now.config_hash) continue;
    if (manifest->shard != request.shard) continue;
    Candidate candidate{entry.path(), *manifest, obstacle_to(*manifest, now)};
    const auto rank = [](const Candidate& c) {
      return std::tuple(c.obstacle.empty(), c.manifest.start, c.folder);
    };
    if (!newest || rank(*newest) < rank(candidate)) newest = std::move(candidate);
  }
  if (!newest) return std::nullopt;
  const bool has_failed = newest->manifest.status == "points failed";
  const bool is_wanted = is_unfinished(newest->manifest) || request.also_finished ||
                         (request.retry_failed && has_failed);
  if (!is_wanted) return std::nullopt;
  return FoundRun{newest->folder, newest->obstacle};
}

ResumedRun resume_run(const fs::path& folder, const ResumeRequest& request) {
  RunManifest manifest = new_manifest(request.sweep, request.command);
  manifest.shard = request.shard;
  manifest.backend = request.backend;
  const RunManifest old = read_manifest(folder);
  check_same_experiment(folder, old, manifest);
  auto lock = std::make_unique<DirectoryLock>(folder);
  auto journal = std::make_unique<Journal>(folder / "results.ndjson");
  const std::size_t dropped = adopt_rows(*journal, request);
  adopt_folders(folder, request.sweep);
  manifest.start = old.start;
  manifest.backend = old.backend;
  add_backends(manifest.backend, request.backend);
  manifest.merged = old.merged;
  manifest.resumed = old.resumed;
  manifest.resumed.push_back(utc_now());
  write_beginning(folder, manifest, request.experiment_file);
  return {RunDirectory(folder, manifest, std::move(lock), std::move(journal)), dropped};
}

}  // namespace moesim::experiments
