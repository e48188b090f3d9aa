// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/tensor_reader.h"

#include <cmath>

#include "base/error.h"

namespace moesim::model {
namespace {

const std::string kOtherModel = "use the configuration that the file was written with";

template <class T>
void require_finite(const TensorReader& reader, const std::string& name,
                    const std::vector<T>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    reader.fail(name,
                "value " + std::to_string(i) + " is " +
                    (std::isnan(values[i]) ? "not a number" : "infinite"),
                "the training had diverged, or the file is damaged: use an earlier one");
  }
}

}  // namespace

TensorReader::TensorReader(const std::filesystem::path& path)
    : index_(read_safetensors_index(path)) {}

void TensorReader::fail(const std::string& tensor, const std::string& what,
                        const std::string& hint) const {
  throw base::Error(index_.path.string() + "  tensor \"" + tensor.substr(0, 200) + "\"", what,
                    hint);
}

const TensorEntry& TensorReader::expect(const std::string& name) const {
  const TensorEntry* entry = index_.find(name);
  if (entry == nullptr) {
    std::vector<std::string> others;
    for (const TensorEntry& other : index_.tensors) {
      if (taken_.count(other.name) == 0) others.push_back(other.name);
    }
    const std::string nearest = base::did_you_mean(name, others);
    fail(name, "it is missing", (nearest.empty() ? "" : nearest + " ") + kOtherModel);
  }
  return *entry;
}

const TensorShape& TensorReader::shape_of(const std::string& name) const {
  return expect(name).shape;
}

double TensorReader::total_values() const {
  std::uint64_t total = 0;
  for (const TensorEntry& entry : index_.tensors) total += entry.bytes / bytes_of(entry.dtype);
  return static_cast<double>(total);
}

Tensor TensorReader::take(const std::string& name, const TensorShape& shape,
                          const std::string& formats) {
  const TensorEntry& entry = expect(name);
  if (entry.shape != shape) {
    fail(name,
         "its shape is " + shape_text(entry.shape) + ", and " + shape_text(shape) + " is expected",
         kOtherModel);
  }
  const std::string format(name_of(entry.dtype));
  if ((" " + formats + " ").find(" " + format + " ") == std::string::npos) {
    fail(name, "its numbers are " + format + ", and " + formats + " can be read here",
         "convert it");
  }
  taken_.insert(name);
  return read_tensor(index_, entry);
}

std::vector<float> TensorReader::take_floats(const std::string& name, const TensorShape& shape) {
  std::vector<float> values = to_floats(take(name, shape, "F32 BF16 F16"));
  require_finite(*this, name, values);
  return values;
}

std::vector<double> TensorReader::take_doubles(const std::string& name, const TensorShape& shape) {
  std::vector<double> values = to_doubles(take(name, shape, "F64"));
  require_finite(*this, name, values);
  return values;
}

std::vector<std::int64_t> TensorReader::take_integers(const std::string& name,
                                                      const TensorShape& shape) {
  return to_integers(take(name, shape, "I64"));
}

void TensorReader::refuse_others() const {
  for (const TensorEntry& entry : index_.tensors) {
    if (taken_.count(entry.name) == 0) {
      fail(entry.name, "the model has no such parameter", kOtherModel);
    }
  }
}

}  // namespace moesim::model
