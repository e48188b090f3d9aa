// SPDX-License-Identifier: Apache-2.0
// Runs a piece of a test in a process of its own: SimGrid has one engine per process.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace moesim::testing {

// Calls `work` in a forked child and returns its numbers. Throws std::runtime_error with the
// child's message when `work` throws, or when the child dies.
inline std::vector<double> in_child_process(const std::function<std::vector<double>()>& work) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) {
    std::string text;
    int code = 0;
    try {
      const std::vector<double> numbers = work();
      text.assign(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(double));
    } catch (const std::exception& error) {
      text = error.what();
      code = 1;
    }
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t n = write(ends[1], text.data() + sent, text.size() - sent);
      if (n <= 0) _exit(2);
      sent += static_cast<std::size_t>(n);
    }
    _exit(code);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 1) throw std::runtime_error(text);
  if (status != 0) throw std::runtime_error("the child process died");
  std::vector<double> numbers(text.size() / sizeof(double));
  text.copy(reinterpret_cast<char*>(numbers.data()), numbers.size() * sizeof(double));
  return numbers;
}

}  // namespace moesim::testing
