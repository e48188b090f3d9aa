// SPDX-License-Identifier: Apache-2.0
// A function run in a process of its own: SimGrid has one engine per process.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace moesim::experiments {

// What `work` returns when a forked child calls it, which sees everything that the caller made so
// far. A base::Error that `work` throws is thrown here again; any other end of the child is a
// std::runtime_error that says what is known. The child does not outlive the caller's process.
// `waiting`, where given, is called about ten times a second until the child has answered.
std::string in_child_process(const std::function<std::string()>& work,
                             const std::function<void()>& waiting = {});

// Makes a child that `parent` has forked end with it, whatever ends it.
void end_with(pid_t parent);

}  // namespace moesim::experiments
