// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/memory_use.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace moesim::experiments {

// proc(5): the second number of statm is the resident set in pages.
base::Bytes resident_memory(pid_t process) {
  std::ifstream statm("/proc/" + std::to_string(process) + "/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return base::Bytes(statm ? resident * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0.0);
}

std::uint64_t out_of_memory_kills() {
  std::ostringstream text;
  text << std::ifstream("/proc/vmstat").rdbuf();
  return out_of_memory_kills_in(text.str());
}

std::uint64_t out_of_memory_kills_in(const std::string& vmstat) {
  std::istringstream lines(vmstat);
  std::string key;
  std::uint64_t value = 0;
  while (lines >> key >> value) {
    if (key == "oom_kill") return value;
  }
  return 0;
}

}  // namespace moesim::experiments
