// SPDX-License-Identifier: Apache-2.0
// A MoE-GPT's weights as a safetensors file: one tensor for each of parameters(), under its name.
#pragma once

#include <filesystem>

#include "model/checkpoint/tensor_reader.h"
#include "model/layers/moe_gpt.h"
#include "model/matrix.h"

namespace moesim::model {

// F32; BF16 for the trained parameters where `as_bfloat16`, which rounds what is not bf16 already.
void write_weights(const std::filesystem::path& path, const MoeGptWeights<float>& weights,
                   bool as_bfloat16 = false);

// The weights of a model of this configuration, from F32, BF16 or F16, exactly. Throws base::Error
// where the file is no safetensors file, or a tensor is missing, unknown, of another shape or
// number format, or holds a value that is not finite.
MoeGptWeights<float> read_weights(const std::filesystem::path& path, const MoeGptConfig& config);

Tensor matrix_tensor(std::string name, const Matrix<float>& matrix);
Matrix<float> take_matrix(TensorReader& reader, const std::string& name, Index rows, Index cols);

// parameters() of weights that are only read.
std::vector<Parameter<float>> parameters_to_read(const MoeGptWeights<float>& weights);

}  // namespace moesim::model
