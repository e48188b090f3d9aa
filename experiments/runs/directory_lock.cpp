// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/error.h"

namespace moesim::experiments {
namespace {

constexpr int kTries = 40;
constexpr std::chrono::milliseconds kBetweenTries(50);

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / ".lock";
  descriptor_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    throw base::Error(file.string(), std::string("cannot be made: ") + strerror(errno),
                      "check the folder's permissions and the disk's space");
  }
  for (int tries = 1; flock(descriptor_, LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno != EWOULDBLOCK && errno != EINTR) return;  // a file system without locks
    if (tries < kTries) {
      std::this_thread::sleep_for(kBetweenTries);
      continue;
    }
    close(descriptor_);
    throw base::Error(folder.string(), "another process is at work in this run",
                      "wait until it has ended, or start a run of its own with --fresh");
  }
}

DirectoryLock::~DirectoryLock() { close(descriptor_); }

}  // namespace moesim::experiments
