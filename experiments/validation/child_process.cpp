// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/child_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>

#include "base/error.h"
#include "base/json_value.h"

namespace moesim::experiments {
namespace {

// The first byte of what the child says.
constexpr char kNumber = 'N';
constexpr char kError = 'E';
constexpr char kFailure = 'F';

std::string error_text(const base::Error& error) {
  base::JsonValue parts = base::json_array();
  for (const std::string& part : {error.where(), error.message(), error.hint()}) {
    parts.items.push_back(base::json_of(part));
  }
  return kError + base::to_text(parts, base::JsonStyle::compact);
}

std::string answer_of(const std::function<double()>& work) {
  try {
    const double number = work();
    std::string text(1 + sizeof number, kNumber);
    std::memcpy(text.data() + 1, &number, sizeof number);
    return text;
  } catch (const base::Error& error) {
    return error_text(error);
  } catch (const std::exception& error) {
    return std::string(1, kFailure) + error.what();
  }
}

void send_all(int descriptor, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = write(descriptor, text.data() + sent, text.size() - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the parent is gone; nobody is left to tell
    sent += static_cast<std::size_t>(count);
  }
}

std::string receive_all(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t count = read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

double number_in(const std::string& answer) {
  if (answer.size() == 1 + sizeof(double) && answer.front() == kNumber) {
    double number = 0;
    std::memcpy(&number, answer.data() + 1, sizeof number);
    return number;
  }
  if (!answer.empty() && answer.front() == kError) {
    const base::JsonValue parts = base::parse_json(answer.substr(1), "child process");
    throw base::Error(parts.items[0].text, parts.items[1].text, parts.items[2].text);
  }
  throw std::runtime_error(answer.empty() ? "a child process died" : answer.substr(1));
}

}  // namespace

double in_child_process(const std::function<double()>& work) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe to a child process");
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) {
    close(ends[0]);
    send_all(ends[1], answer_of(work));
    _exit(0);
  }
  close(ends[1]);
  const std::string answer = receive_all(ends[0]);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return number_in(answer);
}

}  // namespace moesim::experiments
