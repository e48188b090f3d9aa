// SPDX-License-Identifier: Apache-2.0
// How much memory a process has, and whether the system ran out of it; from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/units.h"

namespace moesim::experiments {

// Resident memory; 0 for a process that is gone.
base::Bytes resident_memory(pid_t process);

// How many processes the system has killed since it started because it was out of memory; 0 where
// it does not say.
std::uint64_t out_of_memory_kills();

// The same from the text of /proc/vmstat.
std::uint64_t out_of_memory_kills_in(const std::string& vmstat);

}  // namespace moesim::experiments
