// SPDX-License-Identifier: Apache-2.0
// A model's weights and their gradient in a device's memory, one array each; a parameter is found
// by the host's matrix that it is a copy of, which says its shape.
#pragma once

#include <map>

#include "model/cuda/device.h"
#include "model/cuda/gemm/bf16.h"
#include "model/layers/moe_gpt_weights.h"

namespace moesim::model::cuda {

// Where the trained parameters of a model lie in an array: one after another, each from a multiple
// of 64 elements on.
struct ParameterLayout {
  std::vector<std::int64_t> first;  // of each trained parameter, in the order of parameters()
  std::int64_t size = 0;            // of the whole array

  explicit ParameterLayout(std::span<const Parameter<float>> parameters);
};

class DeviceParameters {
 public:
  // `weights` must outlive this, at its place. Uploads it.
  DeviceParameters(Device& device, MoeGptWeights<float>& weights);

  // Null where the matrix is empty.
  const float* value(const Matrix<float>& weight) const { return place(values_, weight); }
  float* gradient(const Matrix<float>& weight) const { return place(gradients_, weight); }
  float* values() const { return values_.data(); }
  float* gradients() const { return gradients_.data(); }
  const ParameterLayout& layout() const { return layout_; }

  void upload() const;
  void download() const;  // into the host's weights
  // One matrix: what the host changes, or reads, between steps.
  void upload(const Matrix<float>& weight) const;
  void download(Matrix<float>& weight) const;
  // A gradient that the host computed; `gradient` is shaped as the weight.
  void upload_gradient(const Matrix<float>& weight, const Matrix<float>& gradient) const;
  // Copies all values, as they are now, in bf16.
  void round();
  // The copy, as round() made it last, of what lies at a place of values(); null of other places.
  const Bf16* rounded(const float* value) const;
  Index hidden_size() const { return weights_.embedding.token.cols(); }

 private:
  float* place(const Buffer<float>& buffer, const Matrix<float>& weight) const;

  Device& device_;
  MoeGptWeights<float>& weights_;
  ParameterLayout layout_;
  std::map<const Matrix<float>*, std::int64_t> first_;
  Buffer<float> values_;
  Buffer<float> gradients_;
  Buffer<Bf16> rounded_;  // where the values lie in values_; of size 0 until round()
};

}  // namespace moesim::model::cuda
