// SPDX-License-Identifier: Apache-2.0
#include "tests/support/emulated_device.h"

#include <cstring>

#include "base/check.h"
#include "model/cuda/kernel_list.h"

namespace moesim::testing {

namespace cuda = model::cuda;

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
