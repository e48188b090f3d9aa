// SPDX-License-Identifier: Apache-2.0
// A folder of checkpoints, one folder each ("step_00000200"), and a file `latest` that names the
// one to go on from. Whatever happens, `latest` names a complete checkpoint: a new one is written
// under another name, renamed, and only then named in `latest`. Where there is no `latest`, as
// after the very first rename, the complete checkpoint of the most steps is the latest. Free of
// Eigen.
#pragma once

#include <filesystem>
#include <functional>

namespace moesim::model {

// The file that makes a folder a checkpoint (checkpoint.h says what it holds).
constexpr const char* kCheckpointManifest = "checkpoint.json";

// Calls write(folder) to fill a new folder, makes it the latest checkpoint of `root` and removes
// all but it and the one before. Throws base::Error where something cannot be written.
void add_checkpoint(const std::filesystem::path& root, int step,
                    const std::function<void(const std::filesystem::path&)>& write);

// The folder of the checkpoint that `path` means: itself where it is one checkpoint, the latest
// where it is a folder of checkpoints, or a training run's folder with these in "checkpoints".
// Throws base::Error where there is none.
std::filesystem::path find_checkpoint(const std::filesystem::path& given);

// Whether find_checkpoint has something to look at: a file `latest`, a complete checkpoint in the
// folder, or a checkpoint itself.
bool holds_checkpoint(const std::filesystem::path& path);

}  // namespace moesim::model
