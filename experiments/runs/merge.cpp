// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/merge.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "base/error.h"
#include "experiments/runs/run_directory.h"

namespace moesim::experiments {
namespace {

using base::Error;
namespace fs = std::filesystem;

struct Part {
  fs::path folder;
  RunManifest manifest;
  std::unique_ptr<DirectoryLock> lock;
  std::unique_ptr<Journal> journal;
};

struct Source {
  const Part* part = nullptr;
  const JournalRow* row = nullptr;
};

void check_alike(const Part& first, const Part& other) {
  if (first.manifest.config_hash != other.manifest.config_hash ||
      first.manifest.name != other.manifest.name) {
    throw Error(other.folder.string(), "is not of the same points as " + first.folder.string(),
                "merge runs of one experiment file, with the same --set");
  }
  if (!is_same_build(first.manifest, other.manifest)) {
    throw Error(other.folder.string(),
                "was made by moesim " + other.manifest.moesim + " (" + other.manifest.commit +
                    "), and " + first.folder.string() + " by moesim " + first.manifest.moesim +
                    " (" + first.manifest.commit + "): their results do not mix",
                "run both with the same build");
  }
  const std::string& arithmetic = first.manifest.backend.arithmetic;
  if (arithmetic != other.manifest.backend.arithmetic) {
    throw Error(other.folder.string(),
                "was computed in " + arithmetic_in_words(other.manifest.backend.arithmetic) +
                    ", and " + first.folder.string() + " in " + arithmetic_in_words(arithmetic) +
                    ": their results do not mix",
                "run both with " + backend_flag(arithmetic));
  }
}

std::vector<Part> open_parts(const std::vector<fs::path>& runs) {
  std::vector<Part> parts;
  std::set<fs::path> seen;
  for (const fs::path& run : runs) {
    std::error_code unknown;
    if (!seen.insert(fs::weakly_canonical(run, unknown)).second) continue;
    Part& part = parts.emplace_back();
    part.folder = run;
    part.manifest = read_manifest(run);
    if (part.manifest.num_points == 1) {
      throw Error(run.string(), "is a run of one point, which has nothing to be merged with",
                  "name the shards of a sweep");
    }
    check_alike(parts.front(), part);
    part.lock = std::make_unique<DirectoryLock>(run);
    part.journal = std::make_unique<Journal>(run / "results.ndjson");
  }
  return parts;
}

// By the points' indices.
std::map<std::size_t, Source> sources_of(const std::vector<Part>& parts) {
  std::map<std::size_t, Source> sources;
  for (const Part& part : parts) {
    for (const JournalRow& row : part.journal->rows()) {
      const auto [found, is_new] = sources.emplace(row.index, Source{&part, &row});
      const Source& other = found->second;
      if (is_new || other.part->journal->text_of(*other.row) == part.journal->text_of(row)) {
        continue;
      }
      throw Error(part.folder.string(),
                  "has another row than " + other.part->folder.string() + " for point " +
                      std::to_string(row.index) + " (" + row.id + ")",
                  "leave out the run whose row is wrong");
    }
  }
  return sources;
}

// The folders of the points whose rows are taken from this part.
void copy_folders(const Part& part, const std::map<std::size_t, Source>& sources,
                  const fs::path& target) {
  std::error_code unknown;
  for (const auto& entry : fs::directory_iterator(part.folder / "points", unknown)) {
    const std::string name = entry.path().filename().string();
    std::size_t index = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), index).ec != std::errc()) continue;
    const auto source = sources.find(index);
    if (source == sources.end() || source->second.part != &part) continue;
    std::error_code failure;
    fs::create_directories(target / "points", failure);
    if (!failure) {
      fs::copy(entry.path(), target / "points" / name, fs::copy_options::recursive, failure);
    }
    if (failure) {
      throw Error((target / "points" / name).string(), "cannot be copied: " + failure.message(),
                  "check the folder's permissions and the disk's space");
    }
  }
}

}  // namespace

MergedRun merge_runs(const std::vector<fs::path>& runs, const fs::path& root,
                     const std::string& command) {
  const std::vector<Part> parts = open_parts(runs);
  const std::map<std::size_t, Source> sources = sources_of(parts);
  RunManifest manifest = parts.front().manifest;
  manifest.command = command;
  manifest.status = "running";
  manifest.shard.clear();
  manifest.resumed.clear();
  for (const Part& part : parts) {
    manifest.start = std::min(manifest.start, part.manifest.start);
    manifest.merged.push_back(part.folder.string());
    add_backends(manifest.backend, part.manifest.backend);
  }
  RunDirectory directory(root, manifest, parts.front().folder / "config.input.json");
  for (const Part& part : parts) copy_folders(part, sources, directory.path());

  MergedRun merged{directory.path(), manifest.num_points, {}, 0};
  for (const auto& [index, source] : sources) {
    directory.append_result(source.part->journal->text_of(*source.row));
    merged.failed += source.row->status == "failed" ? 1 : 0;
  }
  merged.missing = directory.missing_points();
  directory.finish(directory.status_of_rows());
  return merged;
}

}  // namespace moesim::experiments
