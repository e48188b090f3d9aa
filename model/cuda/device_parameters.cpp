// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_parameters.h"

#include "base/check.h"
#include "model/cuda/kernel_list.h"

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

void DeviceParameters::round() {
  const std::size_t size = values_.size();
  const RoundToBf16 kernel{values_.data(), rounded_.reserve(device_, size),
                           static_cast<std::int64_t>(size)};
  launch(device_, kernel, blocks_for_elements(kernel.elements));
}

const Bf16* DeviceParameters::rounded(const float* value) const {
  const float* const end = values_.data() + values_.size();
  if (value < values_.data() || value >= end) return nullptr;
  CHECK(rounded_.size() == values_.size(), "weights are rounded before a pass reads them so");
  return rounded_.data() + (value - values_.data());
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
