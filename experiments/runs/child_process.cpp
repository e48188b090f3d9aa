// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "base/error.h"
#include "base/json_value.h"

namespace moesim::experiments {
namespace {

// First byte of what the child sends.
constexpr char kResult = 'R';
constexpr char kError = 'E';
constexpr char kFailure = 'F';

constexpr int kPollMilliseconds = 100;

std::string packed(const base::Error& error) {
  base::JsonValue parts = base::json_array();
  for (const std::string& part : {error.where(), error.message(), error.hint()}) {
    parts.items.push_back(base::json_of(part));
  }
  return kError + base::to_text(parts, base::JsonStyle::compact);
}

std::string answer_of(const std::function<std::string()>& work) {
  try {
    return kResult + work();
  } catch (const base::Error& error) {
    return packed(error);
  } catch (const std::exception& error) {
    return kFailure + std::string(error.what());
  }
}

void write_all(int descriptor, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = write(descriptor, text.data() + sent, text.size() - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the parent is gone; nobody is left to tell
    sent += static_cast<std::size_t>(count);
  }
}

// Until there is something to read.
void wait_for(int descriptor, const std::function<void()>& waiting) {
  if (!waiting) return;
  pollfd watched{descriptor, POLLIN, 0};
  while (poll(&watched, 1, kPollMilliseconds) <= 0) waiting();
}

std::string read_all(int descriptor, const std::function<void()>& waiting) {
  std::string text;
  std::array<char, 4096> piece{};
  while (true) {
    wait_for(descriptor, waiting);
    const ssize_t count = read(descriptor, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

[[noreturn]] void fail_to_start() {
  throw base::Error("fork", std::string("a process cannot be started: ") + strerror(errno),
                    "close other programs, or raise the limit of processes");
}

}  // namespace

void end_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it ended before this was set
}

std::string in_child_process(const std::function<std::string()>& work,
                             const std::function<void()>& waiting) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_to_start();
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    fail_to_start();
  }
  if (child == 0) {
    end_with(parent);
    close(ends[0]);
    write_all(ends[1], answer_of(work));
    _exit(0);  // without destructors of what the parent owns
  }
  close(ends[1]);
  const std::string answer = read_all(ends[0], waiting);
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    throw std::runtime_error(std::string("the simulation was ended by signal ") +
                             strsignal(WTERMSIG(status)));
  }
  if (answer.empty()) throw std::runtime_error("the simulation ended without a word");
  const std::string text = answer.substr(1);
  if (answer[0] == kResult) return text;
  if (answer[0] == kFailure) throw std::runtime_error(text);
  const base::JsonValue parts = base::parse_json(text, "child process");
  throw base::Error(parts.items[0].text, parts.items[1].text, parts.items[2].text);
}

}  // namespace moesim::experiments
