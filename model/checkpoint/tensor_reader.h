// SPDX-License-Identifier: Apache-2.0
// Takes the tensors that are expected from a safetensors file, and complains about all others: each
// complaint is one base::Error that names file and tensor. Free of Eigen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/checkpoint/safetensors.h"

namespace moesim::model {

using TensorShape = std::vector<std::int64_t>;

class TensorReader {
 public:
  // Throws as read_safetensors_index.
  explicit TensorReader(const std::filesystem::path& path);

  bool has(std::string_view name) const { return index_.find(name) != nullptr; }
  // The shape of a tensor that must be there.
  const TensorShape& shape_of(const std::string& name) const;

  // Numbers of all tensors together.
  double total_values() const;

  // The values of a F32, BF16 or F16 tensor, exactly. Throws base::Error where the tensor is
  // missing, has another shape or number format, or holds a value that is not finite.
  std::vector<float> take_floats(const std::string& name, const TensorShape& shape);
  // The same of F64 and of I64 tensors.
  std::vector<double> take_doubles(const std::string& name, const TensorShape& shape);
  std::vector<std::int64_t> take_integers(const std::string& name, const TensorShape& shape);

  // Throws base::Error where a tensor was not taken.
  void refuse_others() const;

  [[noreturn]] void fail(const std::string& tensor, const std::string& what,
                         const std::string& hint) const;

 private:
  const TensorEntry& expect(const std::string& name) const;
  Tensor take(const std::string& name, const TensorShape& shape, const std::string& formats);

  SafetensorsIndex index_;
  std::set<std::string> taken_;
};

}  // namespace moesim::model
