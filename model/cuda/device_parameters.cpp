// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_parameters.h"

#include "base/check.h"

namespace moesim::model::cuda {
namespace {

constexpr std::int64_t kAlignment = 64;  // elements: 256 bytes

std::int64_t after(std::int64_t first, const Matrix<float>& matrix) {
  return ceil_divide(first + matrix.size(), kAlignment) * kAlignment;
}

std::size_t bytes_of(const Matrix<float>& matrix) {
  return static_cast<std::size_t>(matrix.size()) * sizeof(float);
}

}  // namespace

ParameterLayout::ParameterLayout(std::span<const Parameter<float>> parameters) {
  for (const Parameter<float>& parameter : parameters) {
    if (!parameter.trained) continue;
    first.push_back(size);
    size = after(size, *parameter.matrix);
  }
}

DeviceParameters::DeviceParameters(Device& device, MoeGptWeights<float>& weights)
    : device_(device), weights_(weights), layout_(parameters(weights)) {
  // Those that are not trained come last.
  std::int64_t size = layout_.size;
  std::size_t trained = 0;
  for (const Parameter<float>& parameter : parameters(weights)) {
    const std::int64_t first = parameter.trained ? layout_.first[trained++] : size;
    if (!parameter.trained) size = after(size, *parameter.matrix);
    first_[parameter.matrix] = first;
  }
  values_.reserve(device, static_cast<std::size_t>(size));
  gradients_.reserve(device, static_cast<std::size_t>(size));
  gradients_.fill_zero();
  upload();
}

float* DeviceParameters::place(const Buffer<float>& buffer, const Matrix<float>& weight) const {
  if (weight.size() == 0) return nullptr;
  const auto found = first_.find(&weight);
  CHECK(found != first_.end(), "a weight of the model");
  return buffer.data() + found->second;
}

void DeviceParameters::upload() const {
  for (const Parameter<float>& parameter : parameters(weights_)) upload(*parameter.matrix);
}

void DeviceParameters::download() const {
  for (const Parameter<float>& parameter : parameters(weights_)) download(*parameter.matrix);
}

void DeviceParameters::upload(const Matrix<float>& weight) const {
  if (weight.size() == 0) return;
  device_.upload(weight.data(), place(values_, weight), bytes_of(weight));
}

void DeviceParameters::download(Matrix<float>& weight) const {
  if (weight.size() == 0) return;
  device_.download(place(values_, weight), weight.data(), bytes_of(weight));
}

void DeviceParameters::upload_gradient(const Matrix<float>& weight,
                                       const Matrix<float>& gradient) const {
  if (weight.size() == 0) return;
  CHECK(gradient.size() == weight.size(), "a gradient has the shape of its weight");
  device_.upload(gradient.data(), place(gradients_, weight), bytes_of(weight));
}

}  // namespace moesim::model::cuda
