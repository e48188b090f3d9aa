// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/optimizer_file.h"

#include <string>
#include <vector>

#include "model/checkpoint/weights_file.h"

namespace moesim::model {
namespace {

// The state's arrays by the names they have in a file.
struct Array {
  const char* prefix;
  std::vector<Matrix<float>> OptimizerState::*matrices;
};

constexpr Array kArrays[] = {{"momentum.", &OptimizerState::momentum},
                             {"variance.", &OptimizerState::variance},
                             {"masters.", &OptimizerState::masters}};

std::vector<Parameter<float>> trained_of(std::span<const Parameter<float>> parameters) {
  std::vector<Parameter<float>> trained;
  for (const Parameter<float>& parameter : parameters) {
    if (parameter.trained) trained.push_back(parameter);
  }
  return trained;
}

}  // namespace

void write_optimizer(const std::filesystem::path& path, const OptimizerState& state,
                     std::span<const Parameter<float>> parameters) {
  const std::vector<Parameter<float>> trained = trained_of(parameters);
  std::vector<Tensor> tensors;
  for (const Array& array : kArrays) {
    const std::vector<Matrix<float>>& matrices = state.*array.matrices;
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      tensors.push_back(matrix_tensor(array.prefix + trained[i].name, matrices[i]));
    }
  }
  write_safetensors(path, tensors);
}

OptimizerState read_optimizer(const std::filesystem::path& path, const TrainingConfig& training,
                              std::span<const Parameter<float>> parameters) {
  TensorReader reader(path);
  const std::vector<Parameter<float>> trained = trained_of(parameters);
  OptimizerState state = fresh_optimizer(training, parameters);  // says which arrays there are
  for (const Array& array : kArrays) {
    std::vector<Matrix<float>>& matrices = state.*array.matrices;
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const std::string name = array.prefix + trained[i].name;
      matrices[i] = take_matrix(reader, name, matrices[i].rows(), matrices[i].cols());
      if (array.matrices == &OptimizerState::variance && matrices[i].minCoeff() < 0) {
        reader.fail(name, "a second moment is negative", "use an earlier checkpoint");
      }
    }
  }
  reader.refuse_others();
  return state;
}

}  // namespace moesim::model
