// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/grouped_products.h"

#include "model/cuda/gemm/cuda_status.h"
#include "model/cuda/gemm/stage_boxes.h"

namespace moesim::model::cuda {

GroupedProducts::GroupedProducts(MethodTable methods, CUstream_st* stream)
    : methods_(std::move(methods)) {
  constexpr int kLeastMajor = 8;
  int device = 0;
  require(cudaGetDevice(&device), "the device");
  const auto attribute = [&](cudaDeviceAttr name) {
    int value = 0;
    require(cudaDeviceGetAttribute(&value, name, device), "a property of the device");
    return value;
  };
  const int major = attribute(cudaDevAttrComputeCapabilityMajor);
  const int minor = attribute(cudaDevAttrComputeCapabilityMinor);
  compute_capability_ = std::to_string(major) + "." + std::to_string(minor);
  if (major < kLeastMajor) {
    throw std::runtime_error("CUDA: the device has compute capability " + compute_capability_ +
                             ", and 8.0 is the least");
  }
  place_ = {stream, attribute(cudaDevAttrMultiProcessorCount)};
}

CublasProducts& GroupedProducts::cublas(CublasCall call) {
  std::unique_ptr<CublasProducts>& products = cublas_[static_cast<int>(call)];
  if (products == nullptr) products = std::make_unique<CublasProducts>(call, FloatProducts::fp32);
  return *products;
}

template <Form form, class Epilogue>
void GroupedProducts::run(const GroupedProblem<Bf16>& problem, const Epilogue& epilogue,
                          const std::vector<std::int32_t>& first_row) {
  const bool weights = form == Form::into_weights;
  const ProductSize size{compute_capability_, first_row, problem.columns * Epilogue::kParts,
                         weights ? problem.out_rows : problem.depth * problem.segments};
  const ProductMethod method = choose_method(methods_, size);
  const bool is_refused = method == ProductMethod::warpgroups && !warpgroups_take(form, problem);
  run_by<form>(is_refused ? ProductMethod::warps : method, problem, epilogue, first_row);
}

template <Form form, class Epilogue>
void GroupedProducts::run_by(ProductMethod method, const GroupedProblem<Bf16>& problem,
                             const Epilogue& epilogue, const std::vector<std::int32_t>& first_row) {
  if (method == ProductMethod::cublas_loop || method == ProductMethod::cublas_grouped) {
    const bool loop = method == ProductMethod::cublas_loop;
    cublas(loop ? CublasCall::loop : CublasCall::grouped)
        .run<form>(problem, epilogue, first_row, place_);
  } else if (method == ProductMethod::warpgroups) {
    if (!warpgroups_take(form, problem)) {
      throw std::runtime_error("CUDA: the tensor copy engine does not take these operands");
    }
    launch_warpgroups<form>(problem, epilogue, place_);
  } else {
    launch_grouped<form>(problem, epilogue, place_);
  }
}

#define MOESIM_INSTANTIATE(form, Element, ...)                                               \
  template void GroupedProducts::run<form, __VA_ARGS__>(                                     \
      const GroupedProblem<Element>&, const __VA_ARGS__&, const std::vector<std::int32_t>&); \
  template void GroupedProducts::run_by<form, __VA_ARGS__>(                                  \
      ProductMethod, const GroupedProblem<Element>&, const __VA_ARGS__&,                     \
      const std::vector<std::int32_t>&);
MOESIM_EACH_PRODUCT(MOESIM_INSTANTIATE, Bf16)
#undef MOESIM_INSTANTIATE

}  // namespace moesim::model::cuda
