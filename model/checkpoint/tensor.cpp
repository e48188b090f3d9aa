// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/tensor.h"

#include <bit>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/named_table.h"
#include "model/checkpoint/float16.h"

namespace moesim::model {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor files are little-endian");

void check_count(const Tensor& tensor, std::size_t values) {
  std::size_t count = 1;
  for (const std::int64_t size : tensor.shape) count *= static_cast<std::size_t>(size);
  CHECK(count == values, "the tensor " + tensor.name + " has as many values as its shape says");
}

template <class T>
Tensor pack(std::string name, std::vector<std::int64_t> shape, Dtype dtype,
            std::span<const T> values) {
  Tensor tensor{std::move(name), dtype, std::move(shape), {}};
  check_count(tensor, values.size());
  tensor.bytes.resize(values.size_bytes());
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), values.size_bytes());
  return tensor;
}

// The values as they lie in the tensor's bytes.
template <class T>
std::vector<T> unpack(const Tensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) {
    std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(T));
  }
  return values;
}

template <class To, class From, class Convert>
std::vector<To> convert(const Tensor& tensor, Convert one) {
  const std::vector<From> raw = unpack<From>(tensor);
  std::vector<To> values(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) values[i] = one(raw[i]);
  return values;
}

}  // namespace

std::string_view name_of(Dtype dtype) { return base::row_of(kDtypes, dtype).name; }

std::size_t bytes_of(Dtype dtype) { return base::row_of(kDtypes, dtype).bytes; }

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

Tensor tensor_of(std::string name, std::vector<std::int64_t> shape, std::span<const float> values) {
  return pack(std::move(name), std::move(shape), Dtype::f32, values);
}

Tensor tensor_of(std::string name, std::vector<std::int64_t> shape,
                 std::span<const double> values) {
  return pack(std::move(name), std::move(shape), Dtype::f64, values);
}

Tensor tensor_of(std::string name, std::vector<std::int64_t> shape,
                 std::span<const std::int32_t> values) {
  return pack(std::move(name), std::move(shape), Dtype::i32, values);
}

Tensor tensor_of(std::string name, std::vector<std::int64_t> shape,
                 std::span<const std::int64_t> values) {
  return pack(std::move(name), std::move(shape), Dtype::i64, values);
}

Tensor tensor_of(std::string name, std::vector<std::int64_t> shape,
                 std::span<const std::uint8_t> values) {
  return pack(std::move(name), std::move(shape), Dtype::u8, values);
}

Tensor bfloat16_tensor_of(std::string name, std::vector<std::int64_t> shape,
                          std::span<const float> values) {
  std::vector<std::uint16_t> rounded(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) rounded[i] = to_bfloat16(values[i]);
  return pack(std::move(name), std::move(shape), Dtype::bf16,
              std::span<const std::uint16_t>(rounded));
}

bool is_floating(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::bf16 || dtype == Dtype::f16 || dtype == Dtype::f64;
}

std::vector<float> to_floats(const Tensor& tensor) {
  CHECK(is_floating(tensor.dtype), "the caller has looked at the tensor's number format");
  if (tensor.dtype == Dtype::bf16) return convert<float, std::uint16_t>(tensor, from_bfloat16);
  if (tensor.dtype == Dtype::f16) return convert<float, std::uint16_t>(tensor, from_float16);
  if (tensor.dtype == Dtype::f64) {
    return convert<float, double>(tensor, [](double value) { return static_cast<float>(value); });
  }
  return unpack<float>(tensor);
}

std::vector<double> to_doubles(const Tensor& tensor) {
  CHECK(tensor.dtype == Dtype::f64, "the caller has looked at the tensor's number format");
  return unpack<double>(tensor);
}

std::vector<std::int64_t> to_integers(const Tensor& tensor) {
  CHECK(tensor.dtype == Dtype::i64, "the caller has looked at the tensor's number format");
  return unpack<std::int64_t>(tensor);
}

}  // namespace moesim::model
