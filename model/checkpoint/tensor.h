// SPDX-License-Identifier: Apache-2.0
// A named block of numbers, as tensor files hold them. Free of Eigen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moesim::model {

// The number formats of the safetensors format (its README, "Format").
enum class Dtype {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  f64,
  i64,
  u64,
};

struct DtypeRow {
  Dtype id;
  const char* name;  // "F32", as in the file
  std::size_t bytes;
};

constexpr std::array<DtypeRow, 15> kDtypes = {{
    {Dtype::boolean, "BOOL", 1},
    {Dtype::u8, "U8", 1},
    {Dtype::i8, "I8", 1},
    {Dtype::f8_e5m2, "F8_E5M2", 1},
    {Dtype::f8_e4m3, "F8_E4M3", 1},
    {Dtype::i16, "I16", 2},
    {Dtype::u16, "U16", 2},
    {Dtype::f16, "F16", 2},
    {Dtype::bf16, "BF16", 2},
    {Dtype::i32, "I32", 4},
    {Dtype::u32, "U32", 4},
    {Dtype::f32, "F32", 4},
    {Dtype::f64, "F64", 8},
    {Dtype::i64, "I64", 8},
    {Dtype::u64, "U64", 8},
}};

struct Tensor {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;  // row-major; empty: one number
  std::vector<std::uint8_t> bytes;  // little-endian
};

std::string_view name_of(Dtype dtype);
std::size_t bytes_of(Dtype dtype);

// "[2, 3]".
std::string shape_text(std::span<const std::int64_t> shape);

// A tensor of the values, whose count is the product of `shape`.
Tensor tensor_of(std::string name, std::vector<std::int64_t> shape, std::span<const float> values);
Tensor tensor_of(std::string name, std::vector<std::int64_t> shape, std::span<const double> values);
Tensor tensor_of(std::string name, std::vector<std::int64_t> shape,
                 std::span<const std::int32_t> values);
Tensor tensor_of(std::string name, std::vector<std::int64_t> shape,
                 std::span<const std::int64_t> values);
Tensor tensor_of(std::string name, std::vector<std::int64_t> shape,
                 std::span<const std::uint8_t> values);
// As BF16, each value rounded to the nearest, ties to even.
Tensor bfloat16_tensor_of(std::string name, std::vector<std::int64_t> shape,
                          std::span<const float> values);

// The numbers of a F32, BF16 or F16 tensor, exactly; of a F64 tensor, rounded to nearest. CHECKs
// that it is one of these.
std::vector<float> to_floats(const Tensor& tensor);
bool is_floating(Dtype dtype);  // whether to_floats takes it

// The numbers of a F64 or an I64 tensor; CHECKs that it is one.
std::vector<double> to_doubles(const Tensor& tensor);
std::vector<std::int64_t> to_integers(const Tensor& tensor);

}  // namespace moesim::model
