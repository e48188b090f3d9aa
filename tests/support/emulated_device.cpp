// SPDX-License-Identifier: Apache-2.0
#include "tests/support/emulated_device.h"

#include <cstring>

#include "base/check.h"
#include "model/cuda/kernel_list.h"

namespace moesim::testing {

namespace cuda = model::cuda;

namespace {

template <class Element>
void multiply_as_a_library(const cuda::ProductOf<Element>& product) {
  const cuda::LibraryProduct call = cuda::library_product(product);
  CHECK(call.is_possible && product.bias == nullptr, "a product that the library can compute");
  // Element (i, j) of op(x).
  const auto element = [](const Element* x, const cuda::LibraryOperand& operand, std::int64_t i,
                          std::int64_t j) {
    return cuda::to_float(operand.transposed ? x[j + i * operand.stride]
                                             : x[i + j * operand.stride]);
  };
  for (std::int64_t column = 0; column < product.m; ++column) {
    for (std::int64_t row = 0; row < product.n; ++row) {
      float& result = product.c[row + column * product.c_row];
      float sum = 0;
      for (std::int64_t p = product.k; p-- > 0;) {
        sum += element(product.b, call.b, row, p) * element(product.a, call.a, p, column);
      }
      result = product.accumulate ? result + sum : sum;
    }
  }
}

}  // namespace

template <class... Kernels>
struct LaunchTable {
  using Run = void (EmulatedDevice::*)(const cuda::Launch&);
  static constexpr Run kRuns[] = {&EmulatedDevice::run<Kernels>...};

  explicit LaunchTable(cuda::ListOfKernels<Kernels...>) {}
  Run run_of(int kernel) const { return kRuns[kernel]; }
};

EmulatedDevice::~EmulatedDevice() = default;

void* EmulatedDevice::allocate(std::size_t bytes) {
  auto memory = std::make_unique_for_overwrite<std::byte[]>(bytes);
  std::memset(memory.get(), 0xff, bytes);
  void* const place = memory.get();
  memory_[place] = std::move(memory);
  return place;
}

void EmulatedDevice::release(void* memory) {
  CHECK(memory_.erase(memory) == 1, "what is released was allocated");
}

void EmulatedDevice::upload(const void* from, void* to, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

void EmulatedDevice::download(const void* from, void* to, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

void EmulatedDevice::copy(const void* from, void* to, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

void EmulatedDevice::fill(void* to, unsigned char byte, std::size_t bytes) {
  std::memset(to, byte, bytes);
}

void EmulatedDevice::multiply_by_library(const cuda::DeviceProduct& product) {
  multiply_as_a_library(product);
}

void EmulatedDevice::multiply_by_library(const cuda::RoundedProduct& product) {
  multiply_as_a_library(product);
}

template <class Kernel>
void EmulatedDevice::run(const cuda::Launch& launch) {
  const Kernel& kernel = *static_cast<const Kernel*>(launch.arguments);
  for (int i = 0; i < launch.blocks; ++i) {
    const int block = order_ == ThreadOrder::forward ? i : launch.blocks - 1 - i;
    block_.run(kernel, {block, launch.blocks, Kernel::kThreads, launch.shared_bytes});
  }
}

void EmulatedDevice::launch(const cuda::Launch& launch) {
  static const LaunchTable table{cuda::KernelList{}};
  CHECK(launch.kernel >= 0 && launch.kernel < cuda::KernelList::kCount, "a kernel of the list");
  CHECK(launch.blocks >= 1, "a launch has a block");
  ++launches_;
  (this->*table.run_of(launch.kernel))(launch);
}

}  // namespace moesim::testing
