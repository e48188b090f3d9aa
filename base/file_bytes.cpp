// SPDX-License-Identifier: Apache-2.0
#include "base/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/sha256.h"

namespace moesim::base {
namespace {

namespace fs = std::filesystem;

std::string reason() { return std::strerror(errno); }

// An open file that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void fail_to_write(const fs::path& path, const std::string& why) {
  throw Error(path.string(), "cannot be written: " + why,
              "check that the folder exists, may be written to, and has room");
}

void write_all(const Descriptor& file, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(path, reason());
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void write_and_flush(const fs::path& path, std::span<const std::string_view> parts) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.number() < 0) fail_to_write(path, reason());
  for (const std::string_view part : parts) write_all(file, part, path);
  if (::fsync(file.number()) != 0) fail_to_write(path, reason());
}

}  // namespace

InputFile::InputFile(const fs::path& path, const FileHints& hints) : path_(path) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  const auto fail = [&](const std::string& what, const std::string& hint) {
    throw Error(path.string(), what, hint);
  };
  if (status.type() == fs::file_type::not_found) fail("there is no such file", hints.missing);
  if (fs::is_directory(status)) fail("this is a folder, not a file", hints.folder);
  // A pipe or a device could block for ever or never end, so the kind is looked at before opening.
  if (!fs::is_regular_file(status)) {
    fail(failure ? "it cannot be looked at: " + failure.message() : "not a regular file",
         hints.other);
  }
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) fail("cannot be opened: " + reason(), hints.other);
  struct stat facts = {};
  if (::fstat(descriptor_, &facts) != 0) fail("its size is unknown: " + reason(), hints.other);
  size_ = static_cast<std::uint64_t>(facts.st_size);
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void InputFile::read(std::uint64_t offset, std::span<std::uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got =
        ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      throw Error(
          path_.string(),
          got < 0 ? "reading failed: " + reason() : "the file became shorter while it was read",
          "let no other program write to it, and read again");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

std::string InputFile::text() const {
  std::string bytes(size_, '\0');
  read(0, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

std::string read_whole_file(const fs::path& path, const WholeFile& rule) {
  const InputFile file(
      path, {"check the path", "name the " + rule.kind + " in it", "name a plain " + rule.kind});
  const std::uint64_t most = rule.most_mib << 20;
  if (file.size() > most) {
    throw Error(path.string(),
                "the file has " + std::to_string(file.size()) + " bytes; " +
                    std::to_string(rule.most_mib) + " MiB (" + std::to_string(most) +
                    " bytes) is the largest read",
                rule.instead);
  }
  return file.text();
}

std::string sha256_of_file(const fs::path& path, const std::string& hint) {
  return sha256_hex(InputFile(path, hint).text());
}

void write_file_atomically(const fs::path& path, std::span<const std::string_view> parts) {
  fs::path temporary = path;
  temporary += ".partial-" + std::to_string(::getpid());
  try {
    write_and_flush(temporary, parts);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail_to_write(path, reason());
  } catch (const Error&) {
    ::unlink(temporary.c_str());
    throw;
  }
  flush_folder(path.parent_path());
}

void flush_folder(const fs::path& folder) {
  const char* name = folder.empty() ? "." : folder.c_str();
  const Descriptor opened(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot flush a folder (EINVAL); they order renames by themselves.
  if (opened.number() >= 0 && ::fsync(opened.number()) != 0 && errno != EINVAL) {
    fail_to_write(folder, reason());
  }
}

}  // namespace moesim::base
