// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/weights_file.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/rng.h"

namespace moesim::model {
namespace {

std::span<const float> values_of(const Matrix<float>& matrix) {
  return {matrix.data(), static_cast<std::size_t>(matrix.size())};
}

// Fewer values than a model of this configuration has, but not by much.
double least_values(const MoeGptConfig& config) {
  const double hidden = config.hidden_size;
  double values = hidden * (kByteValues + config.seq_length);
  for (int layer = 0; layer < config.num_hidden_layers; ++layer) {
    const BlockShape shape = block_shape(config, layer);
    const ExpertShape& experts = shape.is_moe ? shape.moe.experts : shape.dense;
    values +=
        hidden * static_cast<double>(2 * experts.first.back() + 2 * shape.attention.query_width());
  }
  return values;
}

// Before anything is allocated for a configuration that may be damaged.
void check_size(const TensorReader& reader, const std::filesystem::path& path,
                const MoeGptConfig& config) {
  if (least_values(config) <= reader.total_values()) return;
  throw base::Error(path.string(), "the file has fewer numbers than a model of this configuration",
                    "use the configuration that the file was written with");
}

}  // namespace

std::vector<Parameter<float>> parameters_to_read(const MoeGptWeights<float>& weights) {
  return parameters(const_cast<MoeGptWeights<float>&>(weights));  // it takes addresses only
}

Tensor matrix_tensor(std::string name, const Matrix<float>& matrix) {
  return tensor_of(std::move(name), {matrix.rows(), matrix.cols()}, values_of(matrix));
}

Matrix<float> take_matrix(TensorReader& reader, const std::string& name, Index rows, Index cols) {
  const std::vector<float> values = reader.take_floats(name, {rows, cols});
  Matrix<float> matrix(rows, cols);
  std::copy(values.begin(), values.end(), matrix.data());
  return matrix;
}

void write_weights(const std::filesystem::path& path, const MoeGptWeights<float>& weights,
                   bool as_bfloat16) {
  std::vector<Tensor> tensors;
  for (const Parameter<float>& parameter : parameters_to_read(weights)) {
    const Matrix<float>& matrix = *parameter.matrix;
    if (as_bfloat16 && parameter.trained) {
      tensors.push_back(
          bfloat16_tensor_of(parameter.name, {matrix.rows(), matrix.cols()}, values_of(matrix)));
    } else {
      tensors.push_back(matrix_tensor(parameter.name, matrix));
    }
  }
  write_safetensors(path, tensors);
}

MoeGptWeights<float> read_weights(const std::filesystem::path& path, const MoeGptConfig& config) {
  TensorReader reader(path);
  check_size(reader, path, config);
  base::Rng rng(0, "shapes");
  MoeGptWeights<float> weights = random_moe_gpt<float>(config, rng);  // for its shapes
  for (const Parameter<float>& parameter : parameters(weights)) {
    Matrix<float>& matrix = *parameter.matrix;
    matrix = take_matrix(reader, parameter.name, matrix.rows(), matrix.cols());
  }
  reader.refuse_others();
  return weights;
}

}  // namespace moesim::model
