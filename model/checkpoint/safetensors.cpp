// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/file_bytes.h"
#include "base/json_value.h"
#include "model/checkpoint/safetensors_header.h"

namespace moesim::model {
namespace {

const std::string kWantedFile = "name a safetensors file";

// Formats that are often met under the same names, by their first bytes.
struct ForeignFormat {
  std::string_view first_bytes;
  const char* name;
};
constexpr std::array<ForeignFormat, 5> kForeignFormats = {{
    {"PK\x03\x04", "a zip archive, as torch.save writes"},
    {"\x80\x02", "a Python pickle, as old versions of torch.save write"},
    {"GGUF", "a GGUF file"},
    {"\x89HDF", "an HDF5 file"},
    {"\x93NUMPY", "a NumPy array file"},
}};

[[noreturn]] void fail_as_foreign(const std::filesystem::path& path, const std::string& what,
                                  const std::array<std::uint8_t, kLengthBytes>& first) {
  const std::string_view start(reinterpret_cast<const char*>(first.data()), first.size());
  for (const ForeignFormat& format : kForeignFormats) {
    if (!start.starts_with(format.first_bytes)) continue;
    throw base::Error(path.string(), std::string("this is ") + format.name + ", not safetensors",
                      "convert it with Python's safetensors.torch.save_file");
  }
  throw base::Error(path.string(), what,
                    "the file is cut, damaged, or in another format: name a safetensors file");
}

std::uint64_t header_length(const base::InputFile& file, const std::filesystem::path& path) {
  std::array<std::uint8_t, kLengthBytes> first{};
  if (file.size() < kLengthBytes) {
    fail_as_foreign(path,
                    "the file has " + std::to_string(file.size()) +
                        " bytes; a safetensors file has at least 8 and a header",
                    first);
  }
  file.read(0, first);
  std::uint64_t length = 0;
  std::memcpy(&length, first.data(), sizeof length);  // little-endian, as tensor.cpp asserts
  const std::string says = "its first 8 bytes say that the header has " + std::to_string(length);
  if (length > kLongestHeader) {
    fail_as_foreign(path, says + " bytes; safetensors allows 100000000", first);
  }
  if (length > file.size() - kLengthBytes) {
    fail_as_foreign(
        path, says + " bytes, and the file has " + std::to_string(file.size()) + " in all", first);
  }
  return length;
}

SafetensorsIndex read_index(const base::InputFile& file, const std::filesystem::path& path) {
  std::vector<std::uint8_t> header(header_length(file, path));
  file.read(kLengthBytes, header);
  return parse_safetensors_header(
      path, {reinterpret_cast<const char*>(header.data()), header.size()}, file.size());
}

Tensor read_entry(const base::InputFile& file, const TensorEntry& entry) {
  Tensor tensor{entry.name, entry.dtype, entry.shape, {}};
  tensor.bytes.resize(entry.bytes);
  file.read(entry.first_byte, tensor.bytes);
  return tensor;
}

template <class List>
auto* find_in(const List& tensors, std::string_view name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const auto& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

// Wider numbers first: every tensor then begins at a multiple of its number's size.
std::vector<const Tensor*> aligned_order(std::span<const Tensor> tensors) {
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) {
    return bytes_of(a->dtype) > bytes_of(b->dtype);
  });
  return order;
}

base::JsonValue list_of(std::span<const std::int64_t> numbers) {
  base::JsonValue list = base::json_array();
  for (const std::int64_t number : numbers) list.items.push_back(base::json_of(number));
  return list;
}

std::string header_text(std::span<const Tensor* const> tensors,
                        const std::map<std::string, std::string>& metadata) {
  base::JsonValue header = base::json_object();
  if (!metadata.empty()) {
    base::JsonValue& entries = add_member(header, std::string(kMetadataKey), base::json_object());
    for (const auto& [key, value] : metadata) add_member(entries, key, base::json_of(value));
  }
  std::int64_t end = 0;
  for (const Tensor* tensor : tensors) {
    const std::array<std::int64_t, 2> offsets = {
        end, end + static_cast<std::int64_t>(tensor->bytes.size())};
    base::JsonValue entry = base::json_object();
    add_member(entry, "dtype", base::json_of(std::string(name_of(tensor->dtype))));
    add_member(entry, "shape", list_of(tensor->shape));
    add_member(entry, "data_offsets", list_of(offsets));
    header.members.push_back({tensor->name, {}, std::move(entry)});
    end = offsets[1];
  }
  std::string text = to_text(header, base::JsonStyle::compact);
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  return text;
}

void check_names(std::span<const Tensor> tensors) {
  std::set<std::string_view> names = {kMetadataKey};
  for (const Tensor& tensor : tensors) {
    CHECK(names.insert(tensor.name).second, "tensors have names of their own: " + tensor.name);
  }
}

}  // namespace

const TensorEntry* SafetensorsIndex::find(std::string_view name) const {
  return find_in(tensors, name);
}

const Tensor* SafetensorsFile::find(std::string_view name) const { return find_in(tensors, name); }

SafetensorsIndex read_safetensors_index(const std::filesystem::path& path) {
  return read_index(base::InputFile(path, kWantedFile), path);
}

Tensor read_tensor(const SafetensorsIndex& index, const TensorEntry& entry) {
  const base::InputFile file(index.path, kWantedFile);
  if (file.size() < entry.first_byte + entry.bytes) {
    throw base::Error(index.path.string(), "the file became shorter after it was first read",
                      "let no other program write to it, and read again");
  }
  return read_entry(file, entry);
}

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const base::InputFile file(path, kWantedFile);
  SafetensorsIndex index = read_index(file, path);
  SafetensorsFile whole{path, std::move(index.metadata), {}};
  for (const TensorEntry& entry : index.tensors) whole.tensors.push_back(read_entry(file, entry));
  return whole;
}

void write_safetensors(const std::filesystem::path& path, std::span<const Tensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  check_names(tensors);
  const std::vector<const Tensor*> order = aligned_order(tensors);
  const std::string header = header_text(order, metadata);
  const std::uint64_t length = header.size();
  std::vector<std::string_view> parts = {{reinterpret_cast<const char*>(&length), sizeof length},
                                         header};
  for (const Tensor* tensor : order) {
    parts.emplace_back(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
  }
  base::write_file_atomically(path, parts);
}

}  // namespace moesim::model
