// SPDX-License-Identifier: Apache-2.0
#include "experiments/runs/worker.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <sstream>

#include "base/check.h"
#include "base/json_value.h"
#include "experiments/runs/child_process.h"
#include "experiments/runs/memory_use.h"
#include "experiments/runs/point_files.h"
#include "model/cuda/backend_choice.h"

namespace moesim::experiments {
namespace {

// Messages on the pipe: kind, length, text.
constexpr char kResult = 'R';
constexpr char kSkipped = 'S';
constexpr char kError = 'E';
constexpr char kDisk = 'D';
constexpr char kFailure = 'F';
constexpr char kOurBug = 'B';
constexpr char kProgress = 'P';
constexpr std::size_t kHeaderSize = 1 + sizeof(std::uint64_t);

void send(int descriptor, char kind, const std::string& text) {
  const std::uint64_t length = text.size();
  std::string message(1, kind);
  message.append(reinterpret_cast<const char*>(&length), sizeof length);
  message += text;
  for (std::size_t sent = 0; sent < message.size();) {
    const ssize_t count = write(descriptor, message.data() + sent, message.size() - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the parent is gone; nobody is left to tell
    sent += static_cast<std::size_t>(count);
  }
}

std::string pack(const std::array<std::string, 3>& parts) {
  base::JsonValue list = base::json_array();
  for (const std::string& part : parts) list.items.push_back(base::json_of(part));
  return base::to_text(list, base::JsonStyle::compact);
}

std::array<std::string, 3> unpack(const std::string& text) {
  const base::JsonValue list = base::parse_json(text, "worker");
  CHECK(list.items.size() == 3, "a worker's message has three parts");
  return {list.items[0].text, list.items[1].text, list.items[2].text};
}

struct Task {
  const Sweep& sweep;
  const Point& point;
  const std::filesystem::path& folder;
  const WorkerMeans& means;
};

// The child's whole life. Everything printed goes to log.txt.
void work(const Task& task, int descriptor) {
  const auto send_error = [descriptor](char kind, const base::Error& error) {
    send(descriptor, kind, pack({error.where(), error.message(), error.hint()}));
  };
  ReadPoint read;
  try {
    read = read_point(task.sweep, task.point);
  } catch (const base::Error& error) {
    send_error(kSkipped, error);
    return;
  }
  try {
    sim::RunOptions options;
    // Here, since a device's driver does not survive a fork.
    const auto backend = model::cuda::choose_backend(task.means.backend);
    options.num_threads = task.means.num_threads;
    options.device = backend.device.get();
    options.progress = [descriptor](const sim::Progress& progress) {
      send(descriptor, kProgress,
           pack({progress.stage, std::to_string(progress.done), std::to_string(progress.all)}));
    };
    sim::Run run = sim::run(read.experiment.scenario, options);
    run.result.scenario.index = static_cast<int>(task.point.index);
    run.result.scenario.swept = task.point.swept;
    std::transform(read.warnings.begin(), read.warnings.end(),
                   std::inserter(run.result.warnings, run.result.warnings.begin()),
                   base::placeless_text);
    try {
      if (!task.folder.empty()) {
        write_point_files(task.folder, title_of(task.sweep, task.point), read, run);
      }
    } catch (const base::Error& error) {
      send_error(kDisk, error);
      return;
    }
    send(descriptor, kResult, base::to_text(base::to_json(run.result), base::JsonStyle::compact));
  } catch (const base::Error& error) {
    send_error(kError, placed_error(task.sweep, task.point, error));
  } catch (const base::InvariantViolation& violation) {
    send(descriptor, kOurBug, violation.what());
  } catch (const std::bad_alloc&) {
    send(descriptor, kFailure, "out of memory on this machine");
  } catch (const std::exception& error) {
    send(descriptor, kFailure, error.what());
  }
}

// The system is out of processes or file descriptors.
[[noreturn]] void fail_to_start() {
  throw base::Error("--jobs", std::string("a worker process cannot be started: ") + strerror(errno),
                    "run fewer at a time, as -j 8");
}

// A child does not outlive the program, and stops when told to.
void detach_from(pid_t parent) {
  end_with(parent);
  // Ctrl-C reaches the whole group, as the end of a job of mpirun or a batch system does: the
  // parent decides.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
}

// A file in the point's folder, or one in memory alone; -1 where there can be none.
int open_log(const std::filesystem::path& folder) {
  if (folder.empty()) return memfd_create("log.txt", MFD_CLOEXEC);
  return open((folder / "log.txt").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

std::string last_line_of(const std::string& text) {
  std::istringstream log(text);
  std::string last;
  for (std::string line; std::getline(log, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

}  // namespace

Worker::Worker(const Sweep& sweep, const Point& point, const std::filesystem::path& folder,
               const WorkerMeans& means)
    : title_(title_of(sweep, point)), kills_before_(out_of_memory_kills()) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_to_start();
  log_ = open_log(folder);
  std::fflush(nullptr);
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ < 0) {
    close(ends[0]);
    close(ends[1]);
    if (log_ >= 0) close(log_);
    fail_to_start();
  }
  if (child_ == 0) {
    close(ends[0]);
    detach_from(parent);
    if (log_ >= 0) {
      dup2(log_, STDOUT_FILENO);
      dup2(log_, STDERR_FILENO);
    }
    work({sweep, point, folder, means}, ends[1]);
    std::fflush(nullptr);
    _exit(0);  // without destructors of what the parent owns
  }
  close(ends[1]);
  descriptor_ = ends[0];
}

Worker::~Worker() {
  if (child_ > 0) stop("stopped");
  if (descriptor_ >= 0) close(descriptor_);
  if (log_ >= 0) close(log_);
}

bool Worker::take_in() {
  std::array<char, 65536> piece;
  const ssize_t count = read(descriptor_, piece.data(), piece.size());
  if (count < 0 && errno == EINTR) return false;
  if (count > 0) buffer_.append(piece.data(), static_cast<std::size_t>(count));
  while (buffer_.size() >= kHeaderSize) {
    std::uint64_t length = 0;
    std::memcpy(&length, buffer_.data() + 1, sizeof length);
    if (buffer_.size() < kHeaderSize + length) break;
    take_message(buffer_[0], buffer_.substr(kHeaderSize, length));
    buffer_.erase(0, kHeaderSize + length);
  }
  if (count > 0) return false;
  collect_exit();
  return true;
}

void Worker::take_message(char kind, const std::string& text) {
  if (kind == kResult) outcome_.result = text;
  if (kind == kFailure || kind == kOurBug) outcome_.failure = text;
  if (kind == kOurBug) outcome_.is_our_bug = true;
  if (kind == kError || kind == kSkipped || kind == kDisk) {
    outcome_.is_skipped = kind == kSkipped;
    outcome_.is_of_disk = kind == kDisk;
    const auto [where, what, hint] = unpack(text);
    outcome_.error.emplace(where, what, hint);
  }
  if (kind == kProgress) {
    const auto [stage, done, all] = unpack(text);
    progress_ = {stage, std::stoi(done), std::stoi(all)};
  }
}

void Worker::collect_exit() {
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  const bool spoke = !outcome_.result.empty() || outcome_.error || !outcome_.failure.empty();
  if (WIFSIGNALED(status)) {
    outcome_ = {};
    outcome_.failure = "the simulation of " + title_ + " was ended by signal " +
                       std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")";
    if (WTERMSIG(status) == SIGKILL && out_of_memory_kills() > kills_before_) {
      outcome_.failure += ": the system was out of memory; run fewer points at a time, as -j 1";
    }
    const std::string last = last_line_of(log_text());
    if (!last.empty()) outcome_.failure += "; it said: " + last;
  } else if (!spoke) {
    outcome_.failure = "the simulation of " + title_ + " ended without a word, exit code " +
                       std::to_string(WEXITSTATUS(status));
  }
}

std::string Worker::log_text() const {
  std::string text;
  std::array<char, 4096> piece;
  ssize_t count = 0;
  while ((count = pread(log_, piece.data(), piece.size(), static_cast<off_t>(text.size()))) > 0) {
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
  return text;
}

base::Bytes Worker::resident_memory() const { return experiments::resident_memory(child_); }

void Worker::stop(const std::string& reason) {
  kill(child_, SIGKILL);
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  outcome_ = {};
  outcome_.failure = reason;
}

}  // namespace moesim::experiments
