// SPDX-License-Identifier: Apache-2.0
// Several runs of the same points, such as the shards of a sweep, made into one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace moesim::experiments {

struct MergedRun {
  std::filesystem::path folder;
  std::size_t num_points = 0;
  std::vector<std::size_t> missing;  // indices of points that none of the runs has
  std::size_t failed = 0;
};

// Makes a new run below root/<name>/ with all rows and point folders of `runs`, which are left as
// they are. `command` is for the manifest. Throws base::Error, before anything is written, where
// the runs are of different points or builds, have different rows for a point, or are in use.
MergedRun merge_runs(const std::vector<std::filesystem::path>& runs,
                     const std::filesystem::path& root, const std::string& command);

}  // namespace moesim::experiments
