// SPDX-License-Identifier: Apache-2.0
// The files of one simulated point.
#pragma once

#include <filesystem>
#include <string>

#include "experiments/sweep/sweep.h"
#include "sim/run.h"

namespace moesim::experiments {

// Writes result.json, config.resolved.json, the traces, called `title`, that the experiment asks
// for and, where asked, routing.trace. None of them depends on when, where or on how many workers
// it was made. Throws base::Error when the disk does not take them.
void write_point_files(const std::filesystem::path& folder, const std::string& title,
                       const ReadPoint& point, const sim::Run& run);

// Writes the whole file or throws base::Error; never leaves half a file under the name.
void write_file(const std::filesystem::path& path, const std::string& bytes);

}  // namespace moesim::experiments
