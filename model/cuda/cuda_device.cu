// SPDX-License-Identifier: Apache-2.0
// A CUDA device behind the seam of device.h, and the door of the library that open_device.h loads.
#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cstdio>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "model/cuda/cuda_thread.h"
#include "model/cuda/device.h"
#include "model/cuda/gemm/cublas_status.h"
#include "model/cuda/gemm/cuda_status.h"
#include "model/cuda/gemm/device_multiplier.h"
#include "model/cuda/kernel_list.h"
#include "model/cuda/open_device.h"

namespace moesim::model::cuda {
namespace {

constexpr int kLeastCapability = 8;

template <class Kernel>
void launch_kernel(const Launch& launch, cudaStream_t stream) {
  queue_kernel(*static_cast<const Kernel*>(launch.arguments), launch.blocks, launch.shared_bytes,
               stream);
}

template <class... Kernels>
struct LaunchTable {
  using Run = void (*)(const Launch&, cudaStream_t);
  static constexpr Run kRuns[] = {&launch_kernel<Kernels>...};

  explicit LaunchTable(ListOfKernels<Kernels...>) {}
  Run run_of(int kernel) const { return kRuns[kernel]; }
};

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(std::string name) : name_(std::move(name)) {
    require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "a stream");
  }
  ~CudaDevice() override {
    grouped_.reset();  // before its stream
    if (library_ != nullptr) cublasDestroy(library_);
    cudaStreamDestroy(stream_);
  }

  std::string name() const override { return name_; }
  DeviceFacts facts() const override {
    int driver = 0;
    int runtime = 0;
    int multiprocessors = 0;
    int cache_bytes = 0;
    std::size_t free_bytes = 0;
    std::size_t all_bytes = 0;
    require(cudaDriverGetVersion(&driver), "the driver's version");
    require(cudaRuntimeGetVersion(&runtime), "the runtime's version");
    require(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0),
            "the number of multiprocessors");
    require(cudaDeviceGetAttribute(&cache_bytes, cudaDevAttrL2CacheSize, 0), "the cache's size");
    require(cudaMemGetInfo(&free_bytes, &all_bytes), "the free memory");
    return {"CUDA driver " + version(driver) + ", runtime " + version(runtime), multiprocessors,
            static_cast<std::int64_t>(free_bytes), cache_bytes};
  }

  void* allocate(std::size_t bytes) override {
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, bytes == 0 ? 1 : bytes);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      throw std::bad_alloc();
    }
    require(status, "memory");
    return memory;
  }
  // Waits for all work, since cudaFree does.
  void release(void* memory) override { cudaFree(memory); }

  void upload(const void* from, void* to, std::size_t bytes) override {
    require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_), "a copy up");
    // The source may be gone once this has returned.
    require(cudaStreamSynchronize(stream_), "a copy up");
  }
  void download(const void* from, void* to, std::size_t bytes) override {
    require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_), "a copy down");
    require(cudaStreamSynchronize(stream_), "a copy down");
  }
  void copy(const void* from, void* to, std::size_t bytes) override {
    require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_), "a copy");
  }
  void fill(void* to, unsigned char byte, std::size_t bytes) override {
    require(cudaMemsetAsync(to, byte, bytes, stream_), "a filling");
  }
  void launch(const Launch& launch) override {
    static const LaunchTable table{KernelList{}};
    table.run_of(launch.kernel)(launch, stream_);
    require(cudaGetLastError(), "a launch");
  }
  void use_products(ProductMode mode) override {
    products_ = mode;
    if (mode == ProductMode::in_order || library_ != nullptr) return;
    require(cublasCreate(&library_), "its handle");
    require(cublasSetStream(library_, stream_), "its stream");
  }
  ProductMode products() const override { return products_; }
  void multiply_by_library(const DeviceProduct& product) override {
    multiply_by_library(product, CUDA_R_32F);
  }
  void multiply_by_library(const RoundedProduct& product) override {
    multiply_by_library(product, CUDA_R_16BF);
  }
  GroupedMultiplier& grouped() override {
    if (grouped_ == nullptr) grouped_ = make_device_multiplier(stream_);
    return *grouped_;
  }
  void synchronise() override { require(cudaStreamSynchronize(stream_), "the kernels before"); }

 private:
  // Of a number like 13020: "13.2".
  static std::string version(int number) {
    return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
  }
  template <class Element>
  void multiply_by_library(const ProductOf<Element>& product, cudaDataType_t type) {
    const LibraryProduct call = library_product(product);
    const float one = 1;
    const float old = product.accumulate ? 1 : 0;
    const auto compute =
        products_ == ProductMode::library_tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    require(cublasGemmEx_64(library_, operation(call.b), operation(call.a), product.n, product.m,
                            product.k, &one, product.b, type, call.b.stride, product.a, type,
                            call.a.stride, &old, product.c, CUDA_R_32F, product.c_row, compute,
                            CUBLAS_GEMM_DEFAULT),
            "a product");
  }
  static cublasOperation_t operation(const LibraryOperand& operand) {
    return operand.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
  }

  std::string name_;
  cudaStream_t stream_ = nullptr;
  ProductMode products_ = ProductMode::in_order;
  cublasHandle_t library_ = nullptr;
  std::unique_ptr<GroupedMultiplier> grouped_;
};

std::unique_ptr<Device> open_first_device() {
  int count = 0;  // left untouched where there is no driver
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) {
    throw std::runtime_error("driver not found, or too old (cudaErrorInsufficientDriver)");
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
    throw std::runtime_error("the driver finds none (cudaErrorNoDevice)");
  }
  require(status, "the devices");
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, 0), "the first device's properties");
  if (properties.major < kLeastCapability) {
    throw std::runtime_error(std::string(properties.name) + " has compute capability " +
                             std::to_string(properties.major) + "." +
                             std::to_string(properties.minor) + ", and 8.0 is the least");
  }
  require(cudaSetDevice(0), "the first device");
  return std::make_unique<CudaDevice>(properties.name);
}

}  // namespace
}  // namespace moesim::model::cuda

extern "C" __attribute__((visibility("default"))) void moesim_open_cuda_device(
    moesim::model::cuda::Device** device, char* reason, std::size_t size) {
  *device = nullptr;
  try {
    *device = moesim::model::cuda::open_first_device().release();
  } catch (const std::exception& error) {
    std::snprintf(reason, size, "%s", error.what());
  }
}
