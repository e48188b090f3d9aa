// SPDX-License-Identifier: Apache-2.0
// The folder that holds one run: <root>/<name>/<UTC stamp>-<hash>/, with <root>/<name>/latest
// pointing to it (docs/file_formats.md, "Run directory"). One process at a time has it open.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "experiments/runs/directory_lock.h"
#include "experiments/runs/journal.h"
#include "experiments/runs/run_manifest.h"
#include "experiments/sweep/sweep.h"

namespace moesim::experiments {

class RunDirectory {
 public:
  // Makes the folder and writes config.input.json (the experiment file's bytes) and manifest.json
  // with status "running". Throws base::Error where the disk does not let it.
  RunDirectory(const std::filesystem::path& root, RunManifest manifest,
               const std::filesystem::path& experiment_file);
  // Takes a run up again that this build began, under the sweep as it is now (resume.h).
  RunDirectory(std::filesystem::path folder, RunManifest manifest,
               std::unique_ptr<DirectoryLock> lock, std::unique_ptr<Journal> journal);

  const std::filesystem::path& path() const { return path_; }
  const Journal& journal() const { return *journal_; }
  // Indices of the points of the run, or of its shard, without a row.
  std::vector<std::size_t> missing_points() const;
  // Where the point's files go: the run's folder itself when there is one point, else
  // points/<number>-<label>. Made anew when asked for.
  std::filesystem::path point_folder(const Point& point);
  // Removes the folder of a point that has none after all.
  void drop_point_folder(const Point& point);
  // Records that a point has ended.
  void append_result(const std::string& row) { journal_->append(row); }
  // Puts the results in the points' order, writes them as tables too and manifest.json (with sizes
  // and sha256 of every file), moves `latest` to a run whose points have all ended (where the file
  // system has links), and removes what a stopped worker left half-written. `status` is "complete",
  // "points failed", "interrupted" or "stopped by an error".
  void finish(const std::string& status);
  // True where a point of the run has failed.
  bool has_failed() const;
  // What finish() is to say by the rows alone: "complete", "points failed", or "interrupted" where
  // some are missing.
  std::string status_of_rows() const;
  // Removes everything: the input was at fault, nothing is left half-written.
  void discard();

 private:
  void write_tables(const std::string& status) const;

  std::filesystem::path path_;
  RunManifest manifest_;
  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<Journal> journal_;
};

// "points/0007-router.seed=3"
std::filesystem::path point_folder_name(const Point& point);

// Writes manifest.json, and beside it the experiment file's bytes as config.input.json.
void write_beginning(const std::filesystem::path& folder, const RunManifest& manifest,
                     const std::filesystem::path& experiment_file);

}  // namespace moesim::experiments
