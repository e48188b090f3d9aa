// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_layers.h"

#include <cmath>

#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {

namespace {

template <class Element>
void multiply_by_library(Device& device, ProductOf<Element> product) {
  if (product.bias != nullptr) {
    launch(device, FillRows{product.bias, product.c, product.m, product.n, product.c_row},
           blocks_for_elements(product.m * product.n));
    product.bias = nullptr;
    product.accumulate = true;
  }
  device.multiply_by_library(product);
}

// A weight's copy, or the operand's rounded into `room`; `extent` elements from its first to last.
const Bf16* rounded_operand(const DevicePass& pass, const float* operand, std::int64_t extent,
                            Buffer<Bf16>& room) {
  const Bf16* const weight = pass.parameters.rounded(operand);
  return weight != nullptr ? weight : rounded_rows(pass, operand, extent, room);
}

void multiply_rounded(const DevicePass& pass, const DeviceProduct& p) {
  const std::int64_t a = (p.m - 1) * p.a_row + (p.k - 1) * p.a_column + 1;
  const std::int64_t b = (p.k - 1) * p.b_row + (p.n - 1) * p.b_column + 1;
  RoundedProduct rounded;
  rounded.m = p.m;
  rounded.n = p.n;
  rounded.k = p.k;
  rounded.a = rounded_operand(pass, p.a, a, pass.room.a);
  rounded.a_row = p.a_row;
  rounded.a_column = p.a_column;
  rounded.b = rounded_operand(pass, p.b, b, pass.room.b);
  rounded.b_row = p.b_row;
  rounded.b_column = p.b_column;
  rounded.c = p.c;
  rounded.c_row = p.c_row;
  rounded.bias = p.bias;
  rounded.accumulate = p.accumulate;
  multiply_by_library(pass.device, rounded);
}

}  // namespace

const Bf16* rounded_rows(const DevicePass& pass, const float* rows, std::int64_t elements,
                         Buffer<Bf16>& room) {
  Bf16* const to = room.reserve(pass.device, static_cast<std::size_t>(elements));
  launch(pass.device, RoundToBf16{rows, to, elements}, blocks_for_elements(elements));
  return to;
}

void multiply(const DevicePass& pass, const DeviceProduct& product) {
  if (pass.is_bf16() && library_product(product).is_possible) {
    return multiply_rounded(pass, product);
  }
  multiply_unrounded(pass, product);
}

void multiply_unrounded(const DevicePass& pass, const DeviceProduct& product) {
  if (pass.device.products() != ProductMode::in_order && library_product(product).is_possible) {
    return multiply_by_library(pass.device, product);
  }
  launch(pass.device, MultiplyOne{product}, tiles_of(product), kMultiplyShared);
}

DropoutRule dropout_rule(const DevicePass& pass, std::string_view name, double rate) {
  DropoutRule rule;
  rule.is_active = pass.host.training && rate > 0;
  rule.key = base::RandomField(pass.host.seed, name).key();
  rule.dropped_below = static_cast<std::uint32_t>(std::ldexp(rate, 32));
  rule.kept_factor = static_cast<float>(1 / (1 - rate));
  return rule;
}

void apply_dropout(const DevicePass& pass, const DropoutRule& dropout, std::int64_t elements,
                   float* rows) {
  if (!dropout.is_active) return;
  launch(pass.device, MultiplyByFactors{rows, elements, dropout}, blocks_for_elements(elements));
}

void add_elements(const DevicePass& pass, const float* from, std::int64_t elements, float* to) {
  launch(pass.device, AddElements{from, to, elements}, blocks_for_elements(elements));
}

void DeviceLinear::forward(const float* x, std::int64_t tokens, float* y) const {
  const Index out = weights.weight.rows();
  const Index in = weights.weight.cols();
  DeviceProduct product{tokens, out, in, x,  in, 1, pass.parameters.value(weights.weight),
                        1,      in,  y,  out};
  product.bias = pass.parameters.value(weights.bias);
  multiply(pass, product);
}

void DeviceLinear::backward(const float* x, const float* dy, std::int64_t tokens, float* dx) const {
  const Index out = weights.weight.rows();
  const Index in = weights.weight.cols();
  DeviceProduct by_weight{
      out, in, tokens, dy, 1, out, x, in, 1, pass.parameters.gradient(weights.weight), in};
  by_weight.accumulate = pass.host.add_gradients;
  multiply(pass, by_weight);
  if (weights.bias.size() != 0) {
    launch(pass.device,
           SumColumns{dy, pass.parameters.gradient(weights.bias), tokens, out, out,
                      pass.host.add_gradients},
           blocks_for_elements(out));
  }
  multiply(pass,
           {tokens, in, out, dy, out, 1, pass.parameters.value(weights.weight), in, 1, dx, in});
}

void DeviceNorm::forward(const float* x, std::int64_t tokens, DeviceNormCache& cache,
                         float* y) const {
  const Index width = weights.gain.size();
  NormaliseRows kernel;
  kernel.x = x;
  kernel.gain = pass.parameters.value(weights.gain);
  kernel.bias = pass.parameters.value(weights.bias);
  kernel.normalised =
      cache.normalised.reserve(pass.device, static_cast<std::size_t>(tokens * width));
  kernel.inverse_deviation =
      cache.inverse_deviation.reserve(pass.device, static_cast<std::size_t>(tokens));
  kernel.y = y;
  kernel.rows = tokens;
  kernel.width = width;
  launch(pass.device, kernel, blocks_for_rows(tokens));
}

void DeviceNorm::backward(const DeviceNormCache& cache, const float* dy, float* dx,
                          Buffer<float>& scratch) const {
  const auto tokens = static_cast<std::int64_t>(cache.inverse_deviation.size());
  const Index width = weights.gain.size();
  const std::int64_t pieces = ceil_divide(tokens, kNormPiece);
  float* const sums = scratch.reserve(pass.device, static_cast<std::size_t>(pieces * 2 * width));
  launch(pass.device, NormGradientPieces{cache.normalised.data(), dy, sums, tokens, width},
         blocks_for_elements(pieces * width));
  const bool add = pass.host.add_gradients;
  const std::int64_t blocks = blocks_for_elements(width);
  launch(
      pass.device,
      SumColumns{sums, pass.parameters.gradient(weights.gain), pieces, width, 2 * width, add, true},
      blocks);
  launch(pass.device,
         SumColumns{sums + width, pass.parameters.gradient(weights.bias), pieces, width, 2 * width,
                    add, true},
         blocks);
  launch(pass.device,
         NormaliseRowsBackward{cache.normalised.data(), cache.inverse_deviation.data(),
                               pass.parameters.value(weights.gain), dy, dx, tokens, width},
         blocks_for_rows(tokens));
}

}  // namespace moesim::model::cuda
