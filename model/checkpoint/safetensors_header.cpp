// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/safetensors_header.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/json_value.h"

namespace moesim::model {
namespace {

using base::JsonValue;
using Kind = base::JsonValue::Kind;

// A tensor's entry has about six commas; far more of them would cost far more memory than bytes.
constexpr std::ptrdiff_t kMostCommas = 1'000'000;

// The reader of one file's header.
class HeaderReader {
 public:
  HeaderReader(const std::filesystem::path& path, std::uint64_t first_byte,
               std::uint64_t data_bytes)
      : path_(path), first_byte_(first_byte), data_bytes_(data_bytes) {}

  SafetensorsIndex read(std::string_view header) {
    const JsonValue root = parse(header);
    if (root.kind != Kind::object) fail("", "the header is not a JSON object");
    SafetensorsIndex index;
    index.path = path_;
    for (const base::JsonMember& member : root.members) {
      if (member.key == kMetadataKey) {
        index.metadata = read_metadata(member.value);
      } else {
        index.tensors.push_back(read_entry(member));
      }
    }
    std::stable_sort(index.tensors.begin(), index.tensors.end(),
                     [](const TensorEntry& a, const TensorEntry& b) {
                       return std::pair(a.first_byte, a.bytes) < std::pair(b.first_byte, b.bytes);
                     });
    check_layout(index.tensors);
    return index;
  }

 private:
  [[noreturn]] void fail(const std::string& tensor, const std::string& what) const {
    const std::string where = tensor.empty() ? "" : "  tensor \"" + tensor.substr(0, 200) + "\"";
    throw base::Error(path_.string() + where, what,
                      "the file is damaged or was cut: write or fetch it again");
  }

  JsonValue parse(std::string_view header) const {
    if (header.empty() || header.front() != '{') fail("", "the header does not begin with '{'");
    if (std::count(header.begin(), header.end(), ',') > kMostCommas) {
      fail("", "the header has more than 1000000 commas");
    }
    try {
      return base::parse_json(header, "header");
    } catch (const base::Error& error) {
      fail("", "the header is not JSON: " + error.where() + ": " + error.message());
    }
  }

  std::map<std::string, std::string> read_metadata(const JsonValue& value) const {
    if (value.kind != Kind::object) fail("", "\"__metadata__\" is not an object");
    std::map<std::string, std::string> metadata;
    for (const base::JsonMember& member : value.members) {
      if (member.value.kind != Kind::string) {
        fail("", "\"__metadata__\": the value of \"" + member.key + "\" is not a text");
      }
      metadata[member.key] = member.value.text;
    }
    return metadata;
  }

  TensorEntry read_entry(const base::JsonMember& member) const {
    TensorEntry entry;
    entry.name = member.key;
    if (member.value.kind != Kind::object) fail(entry.name, "its entry is not an object");
    for (const base::JsonMember& field : member.value.members) {
      if (field.key != "dtype" && field.key != "shape" && field.key != "data_offsets") {
        fail(entry.name, "unknown key \"" + field.key + "\"");
      }
    }
    entry.dtype = read_dtype(entry.name, field_of(member, "dtype"));
    entry.shape = read_numbers(entry.name, "shape", field_of(member, "shape"));
    const auto offsets = read_numbers(entry.name, "data_offsets", field_of(member, "data_offsets"));
    if (offsets.size() != 2 || offsets[0] > offsets[1]) {
      fail(entry.name, "data_offsets is not a pair [begin, end] with begin <= end");
    }
    entry.first_byte = static_cast<std::uint64_t>(offsets[0]);
    entry.bytes = static_cast<std::uint64_t>(offsets[1] - offsets[0]);
    check_bytes(entry);
    entry.first_byte += first_byte_;
    return entry;
  }

  const JsonValue& field_of(const base::JsonMember& member, const char* key) const {
    const JsonValue* value = member.value.find(key);
    if (value == nullptr) fail(member.key, "its entry has no \"" + std::string(key) + "\"");
    return *value;
  }

  Dtype read_dtype(const std::string& tensor, const JsonValue& value) const {
    if (value.kind == Kind::string) {
      for (const DtypeRow& row : kDtypes) {
        if (value.text == row.name) return row.id;
      }
    }
    fail(tensor, "unknown number format \"" + value.text.substr(0, 100) + "\"");
  }

  // Whole numbers from 0 on; their text is read, since a double does not hold all of them.
  std::vector<std::int64_t> read_numbers(const std::string& tensor, const std::string& key,
                                         const JsonValue& value) const {
    if (value.kind != Kind::array) fail(tensor, key + " is not a list");
    std::vector<std::int64_t> numbers;
    for (const JsonValue& item : value.items) {
      std::int64_t number = -1;
      if (item.integral) {
        std::from_chars(item.text.data(), item.text.data() + item.text.size(), number);
      }
      if (number < 0) fail(tensor, key + " has an entry that is no whole number from 0 on");
      numbers.push_back(number);
    }
    return numbers;
  }

  // The shape's numbers, in bytes, are those of the offsets, which lie in the file.
  void check_bytes(const TensorEntry& entry) const {
    const std::uint64_t end = entry.first_byte + entry.bytes;
    if (end > data_bytes_) {
      fail(entry.name, "it ends at byte " + std::to_string(end) +
                           " of the data, and the file has " + std::to_string(data_bytes_) +
                           " bytes of data");
    }
    std::uint64_t needed = bytes_of(entry.dtype);
    for (const std::int64_t size : entry.shape) {
      // Beyond any file, so that the product cannot run over; a later 0 would make it 0.
      const auto factor = static_cast<std::uint64_t>(size);
      if (factor != 0 && needed > UINT64_MAX / factor) {
        fail(entry.name, "the shape " + shape_text(entry.shape) + " is too large");
      }
      needed *= factor;
    }
    if (needed != entry.bytes) {
      fail(entry.name, std::string(name_of(entry.dtype)) + " of shape " + shape_text(entry.shape) +
                           " needs " + std::to_string(needed) + " bytes, and data_offsets give " +
                           std::to_string(entry.bytes));
    }
  }

  void check_layout(const std::vector<TensorEntry>& tensors) const {
    std::uint64_t end = first_byte_;
    for (const TensorEntry& entry : tensors) {
      if (entry.first_byte != end) {
        fail(entry.name, entry.first_byte < end ? "its bytes overlap another tensor's"
                                                : "there is a hole before its bytes");
      }
      end += entry.bytes;
    }
    if (end != first_byte_ + data_bytes_) {
      fail("", "the tensors end at byte " + std::to_string(end) + ", and the file at byte " +
                   std::to_string(first_byte_ + data_bytes_));
    }
  }

  const std::filesystem::path& path_;
  std::uint64_t first_byte_;
  std::uint64_t data_bytes_;
};

}  // namespace

SafetensorsIndex parse_safetensors_header(const std::filesystem::path& path,
                                          std::string_view header, std::uint64_t file_bytes) {
  const std::uint64_t first_byte = kLengthBytes + header.size();
  return HeaderReader(path, first_byte, file_bytes - first_byte).read(header);
}

}  // namespace moesim::model
