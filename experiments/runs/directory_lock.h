// SPDX-License-Identifier: Apache-2.0
// One process at a time works in a run's folder. The system takes the lock back from a process that
// is killed.
#pragma once

#include <filesystem>

namespace moesim::experiments {

class DirectoryLock {
 public:
  // Locks `folder`/.lock; waits a moment for the workers of a killed run to end. Throws base::Error
  // where another process works there, and where the file cannot be made.
  explicit DirectoryLock(const std::filesystem::path& folder);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace moesim::experiments
