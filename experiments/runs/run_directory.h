// SPDX-License-Identifier: Apache-2.0
// The folder that holds one run: <root>/<name>/<UTC stamp>-<hash>/, with <root>/<name>/latest
// pointing to it (docs/file_formats.md, "Run directory").
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/sweep/sweep.h"

namespace moesim::experiments {

class RunDirectory {
 public:
  // Makes the folder and writes config.input.json (the experiment file's bytes) and manifest.json
  // with status "running". `command` is the command line for the manifest. Throws base::Error where
  // the disk does not let it.
  RunDirectory(const std::filesystem::path& root, const Sweep& sweep,
               const std::filesystem::path& experiment_file, const std::string& command);

  const std::filesystem::path& path() const { return path_; }
  // Where the point's files go: the run's folder itself when there is one point, else
  // points/<number>-<label>. Made when asked for.
  std::filesystem::path point_folder(const Point& point);
  // Removes the folder of a point that has none after all.
  void drop_point_folder(const Point& point);
  // Appends one line to results.ndjson.
  void append_result(const std::string& line);
  // Writes manifest.json (with sizes and sha256 of every file), moves `latest` to a run whose
  // points have all ended (where the file system has links), and removes what a stopped worker left
  // half-written. `status` is "complete", "points failed" or "interrupted".
  void finish(const std::string& status);
  // Removes everything: the input was at fault, nothing is left half-written.
  void discard();

 private:
  std::filesystem::path name_of_folder(const Point& point) const;
  base::JsonValue manifest(const std::string& status) const;

  std::filesystem::path path_;
  std::size_t num_points_;
  std::string name_;
  std::string question_;
  std::vector<std::string> axes_;
  std::vector<Objective> objectives_;
  std::string command_;
  std::string config_hash_;
  std::string started_;
};

}  // namespace moesim::experiments
