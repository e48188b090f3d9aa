// SPDX-License-Identifier: Apache-2.0
// Files read with care and written whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace moesim::base {

// What would be right where there is no file, where it is a folder, and where it is something else.
struct FileHints {
  std::string missing;
  std::string folder;
  std::string other;
};

// A regular file open for reading. The constructor throws Error where there is none, or it is a
// folder, a pipe or a device, or it cannot be opened; `hint` says what would be right.
class InputFile {
 public:
  InputFile(const std::filesystem::path& path, const FileHints& hints);
  InputFile(const std::filesystem::path& path, const std::string& hint)
      : InputFile(path, FileHints{hint, hint, hint}) {}
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  std::uint64_t size() const { return size_; }
  // Fills `bytes` from `offset` on. Throws Error where the file ends before or reading fails.
  void read(std::uint64_t offset, std::span<std::uint8_t> bytes) const;
  // All of it, throwing as read().
  std::string text() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

// A kind of file that is read whole: what hints call it, and how large it may be.
struct WholeFile {
  std::string kind;  // "JSON file"
  std::uint64_t most_mib;
  std::string instead;  // of one that is larger: a hint
};

// Throws Error as InputFile, and for a file that is too large.
std::string read_whole_file(const std::filesystem::path& path, const WholeFile& rule);

// SHA-256 of a regular file's bytes, in hexadecimal. Throws as InputFile.
std::string sha256_of_file(const std::filesystem::path& path, const std::string& hint);

// Writes the parts one after another under a temporary name beside `path`, flushes them to the disk
// and renames: whatever happens, there is the old file or the new one. Throws Error.
void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::string_view> parts);

// Flushes the names in a folder to the disk, so that what was renamed there stays so.
void flush_folder(const std::filesystem::path& folder);

}  // namespace moesim::base
