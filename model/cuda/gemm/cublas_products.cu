// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/cublas_products.h"

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <type_traits>

#include "model/cuda/gemm/cublas_calls.h"
#include "model/cuda/gemm/cublas_status.h"
#include "model/cuda/gemm/cuda_status.h"
#include "model/cuda/gemm/row_passes.h"

namespace moesim::model::cuda {
namespace {

// Memory of a device that grows.
class Room {
 public:
  Room() = default;
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() { cudaFree(memory_); }
  void* of(std::size_t bytes) {
    if (bytes <= bytes_) return memory_;
    require(cudaFree(memory_), "memory");
    memory_ = nullptr;
    bytes_ = 0;
    require(cudaMalloc(&memory_, bytes), "memory");
    bytes_ = bytes;
    return memory_;
  }

 private:
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

// A stream with a handle and a workspace of its own.
class Lane {
 public:
  Lane() {
    require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "a stream");
    require(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "an event");
    require(cublasCreate(&handle_), "a handle");
    // Results in bf16 are rounded once: partial sums stay in fp32.
    constexpr int kMath = CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
    require(cublasSetMathMode(handle_, static_cast<cublasMath_t>(kMath)), "a handle's arithmetic");
    require(cublasSetStream(handle_, stream_), "a handle's stream");
    require(cublasSetWorkspace(handle_, workspace_.of(kWorkspace), kWorkspace), "a workspace");
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() {
    cublasDestroy(handle_);
    cudaEventDestroy(event_);
    cudaStreamDestroy(stream_);
  }
  cublasHandle_t handle() const { return handle_; }
  cudaStream_t stream() const { return stream_; }
  void begin_after(cudaEvent_t event) const {
    require(cudaStreamWaitEvent(stream_, event, 0), "a wait");
  }
  void end_before(cudaStream_t stream) const {
    require(cudaEventRecord(event_, stream_), "an event");
    require(cudaStreamWaitEvent(stream, event_, 0), "a wait");
  }

 private:
  static constexpr std::size_t kWorkspace = std::size_t{32} << 20;

  cudaStream_t stream_ = nullptr;
  cudaEvent_t event_ = nullptr;
  cublasHandle_t handle_ = nullptr;
  Room workspace_;
};

template <class T>
constexpr cudaDataType_t kTypeOf = std::is_same_v<T, float> ? CUDA_R_32F : CUDA_R_16BF;

cublasOperation_t operation(bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; }

// One pair of operands and where its products go.
template <class Element, class Sum>
struct Products {
  CallLayout layout;
  GroupedOperand<Element> a;
  GroupedOperand<Element> b;
  Sum* result;
  std::int64_t result_stride;
  float beta;
  cublasComputeType_t compute;

  void call(cublasHandle_t handle, const ExpertCall& one) const {
    const float alpha = 1;
    require(cublasGemmEx(handle, operation(layout.first_transposed),
                         operation(layout.second_transposed), one.n, one.m, one.k, &alpha,
                         b.data + one.first, kTypeOf<Element>, static_cast<int>(b.stride),
                         a.data + one.second, kTypeOf<Element>, static_cast<int>(a.stride), &beta,
                         result + one.result, kTypeOf<Sum>, static_cast<int>(result_stride),
                         compute, CUBLAS_GEMM_DEFAULT),
            "an expert's product");
  }
};

// The arguments of a grouped call, a group for each expert.
struct GroupedArguments {
  std::vector<cublasOperation_t> first_operation, second_operation;
  std::vector<int> n, m, k, first_stride, second_stride, result_stride, size;
  std::vector<float> alpha, beta;
  std::vector<const void*> pointers;  // of first, of second, of results

  template <class Element, class Sum>
  GroupedArguments(const Products<Element, Sum>& products, const std::vector<ExpertCall>& calls) {
    for (const ExpertCall& call : calls) {
      first_operation.push_back(operation(products.layout.first_transposed));
      second_operation.push_back(operation(products.layout.second_transposed));
      n.push_back(call.n);
      m.push_back(call.m);
      k.push_back(call.k);
      first_stride.push_back(static_cast<int>(products.b.stride));
      second_stride.push_back(static_cast<int>(products.a.stride));
      result_stride.push_back(static_cast<int>(products.result_stride));
      size.push_back(1);
      alpha.push_back(1);
      beta.push_back(products.beta);
    }
    for (const ExpertCall& call : calls) pointers.push_back(products.b.data + call.first);
    for (const ExpertCall& call : calls) pointers.push_back(products.a.data + call.second);
    for (const ExpertCall& call : calls) pointers.push_back(products.result + call.result);
  }
};

}  // namespace

struct CublasProducts::State {
 public:
  CublasCall call;
  FloatProducts floats;
  Lane lanes[kStreams];
  cudaEvent_t began = nullptr;
  Room gathered;
  Room sums;
  Room pointers;

  template <class Element>
  cublasComputeType_t compute() const {
    if (std::is_same_v<Element, Bf16>) return CUBLAS_COMPUTE_32F;
    return floats == FloatProducts::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  }

  // Experts take the lanes in turn.
  template <class Element, class Sum>
  void loop(const Products<Element, Sum>& products, const std::vector<ExpertCall>& calls,
            cudaStream_t stream) {
    require(cudaEventRecord(began, stream), "an event");
    for (const Lane& lane : lanes) lane.begin_after(began);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      products.call(lanes[i % kStreams].handle(), calls[i]);
    }
    for (const Lane& lane : lanes) lane.end_before(stream);
  }

  template <class Element, class Sum>
  void grouped(const Products<Element, Sum>& products, const std::vector<ExpertCall>& calls,
               cudaStream_t stream) {
    require_no_capture(stream);
    const GroupedArguments all(products, calls);
    const std::size_t groups = calls.size();
    auto** const there = static_cast<const void**>(pointers.of(3 * groups * sizeof(void*)));
    const Lane& lane = lanes[0];
    require(cudaEventRecord(began, stream), "an event");
    lane.begin_after(began);
    require(cudaMemcpyAsync(there, all.pointers.data(), 3 * groups * sizeof(void*),
                            cudaMemcpyHostToDevice, lane.stream()),
            "the grouped product's pointers");
    require(
        cublasGemmGroupedBatchedEx(
            lane.handle(), all.first_operation.data(), all.second_operation.data(), all.n.data(),
            all.m.data(), all.k.data(), all.alpha.data(), there, kTypeOf<Element>,
            all.first_stride.data(), there + groups, kTypeOf<Element>, all.second_stride.data(),
            all.beta.data(), const_cast<void* const*>(there + 2 * groups), kTypeOf<Sum>,
            all.result_stride.data(), static_cast<int>(groups), all.size.data(), products.compute),
        "a grouped product");
    lane.end_before(stream);
  }

  template <class Element, class Sum>
  void multiply(const Products<Element, Sum>& products, const std::vector<ExpertCall>& calls,
                cudaStream_t stream) {
    if (calls.empty()) return;
    if (call == CublasCall::grouped && std::is_same_v<Element, Sum> && products.beta == 0) {
      grouped(products, calls, stream);
    } else {
      loop(products, calls, stream);
    }
  }

  // The operand with its rows in the experts' order.
  template <class Element>
  GroupedOperand<Element> in_order(const GroupedOperand<Element>& operand, std::int64_t rows,
                                   int columns, const LaunchPlace& place) {
    if (operand.source == nullptr || rows == 0) return operand;
    constexpr int kElements = kChunkBytes / static_cast<int>(sizeof(Element));
    const std::int64_t stride = std::int64_t{tiles_of(columns, kElements)} * kElements;
    auto* const to = static_cast<Element*>(
        gathered.of(static_cast<std::size_t>(rows * stride) * sizeof(Element)));
    gather_lines<<<8 * place.multiprocessors, kPassThreads, 0, place.stream>>>(operand, rows,
                                                                               columns, to, stride);
    require(cudaGetLastError(), "gathering rows");
    return {to, stride, 0, nullptr};
  }

  // Into memory of sums, then the epilogue over it.
  template <Form form, class Sum, class Element, class Epilogue>
  void run_through_sums(GroupedProblem<Element> problem, const Epilogue& epilogue,
                        const std::vector<std::int32_t>& first_row, const LaunchPlace& place) {
    const std::int64_t rows = first_row.back();
    const std::int64_t stride = std::int64_t{tiles_of(problem.columns, 8)} * 8;
    const std::size_t bytes =
        static_cast<std::size_t>(Epilogue::kParts * rows * stride) * sizeof(Sum);
    if (rows == 0) return;
    auto* const memory = static_cast<Sum*>(sums.of(bytes));
    problem.a[0] = in_order(problem.a[0], rows, problem.depth, place);
    const int pairs = form == Form::into_units ? Epilogue::kParts : problem.segments;
    for (int i = 0; i < pairs; ++i) {
      const bool parts = form == Form::into_units;
      const Products<Element, Sum> products{call_layout(form),
                                            problem.a[parts ? 0 : i],
                                            problem.b[i],
                                            memory + (parts ? i * rows * stride : 0),
                                            stride,
                                            !parts && i > 0 ? 1.0f : 0.0f,
                                            compute<Element>()};
      multiply(products, expert_calls(form, problem, i, first_row, {stride, 0}), place.stream);
    }
    const StoredSums<Sum> stored{memory, rows, stride, problem.columns};
    finish_rows<<<8 * place.multiprocessors, kPassThreads, 0, place.stream>>>(
        stored, problem.first_row, problem.experts, epilogue);
    require(cudaGetLastError(), "an epilogue");
  }

  // Straight to where the product is stored; weights of experts without rows are zero.
  template <Form form, class Result, class Element>
  void run_stored(GroupedProblem<Element> problem, const StoreOutput<Element>& epilogue,
                  const std::vector<std::int32_t>& first_row, const LaunchPlace& place) {
    Result* const result = result_of<Result>(epilogue);
    if (form == Form::into_weights) {
      if (!epilogue.accumulate) zero_unused(problem, epilogue, first_row, place);
      problem.b[0] = in_order(problem.b[0], first_row.back(), problem.columns, place);
    }
    const Products<Element, Result> products{call_layout(form), problem.a[0],
                                             problem.b[0],      result,
                                             epilogue.stride,   epilogue.accumulate ? 1.0f : 0.0f,
                                             compute<Element>()};
    multiply(products,
             expert_calls(form, problem, 0, first_row, {epilogue.stride, epilogue.expert_stride}),
             place.stream);
  }

 private:
  template <class Result, class Element>
  static Result* result_of(const StoreOutput<Element>& epilogue) {
    if constexpr (std::is_same_v<Result, Element>) {
      if (epilogue.elements != nullptr) return epilogue.elements;
    }
    if constexpr (std::is_same_v<Result, float>) return epilogue.floats;
    return nullptr;
  }

  // A graph would read the pointers where they lay when it was captured, and the place they go to
  // is that of the next call too.
  static void require_no_capture(cudaStream_t stream) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    require(cudaStreamIsCapturing(stream, &status), "a stream's state");
    if (status == cudaStreamCaptureStatusNone) return;
    throw std::runtime_error("cuBLAS: a grouped product cannot be captured in a graph");
  }

  template <class Element>
  static void zero_unused(const GroupedProblem<Element>& problem,
                          const StoreOutput<Element>& epilogue,
                          const std::vector<std::int32_t>& first_row, const LaunchPlace& place) {
    const bool floats = epilogue.floats != nullptr;
    const std::size_t size = floats ? sizeof(float) : sizeof(Element);
    char* const result = floats ? reinterpret_cast<char*>(epilogue.floats)
                                : reinterpret_cast<char*>(epilogue.elements);
    for (int expert = 0; expert < problem.experts; ++expert) {
      const auto e = static_cast<std::size_t>(expert);
      if (first_row[e] != first_row[e + 1]) continue;
      require(cudaMemset2DAsync(result + expert * epilogue.expert_stride * size,
                                static_cast<std::size_t>(epilogue.stride) * size, 0,
                                static_cast<std::size_t>(problem.columns) * size,
                                static_cast<std::size_t>(problem.out_rows), place.stream),
              "zeroing the gradients of an expert without rows");
    }
  }
};

CublasProducts::CublasProducts(CublasCall call, FloatProducts floats)
    : state_(std::make_unique<State>()) {
  state_->call = call;
  state_->floats = floats;
  require(cudaEventCreateWithFlags(&state_->began, cudaEventDisableTiming), "an event");
}

CublasProducts::~CublasProducts() { cudaEventDestroy(state_->began); }

template <Form form, class Element, class Epilogue>
void CublasProducts::run(const GroupedProblem<Element>& problem, const Epilogue& epilogue,
                         const std::vector<std::int32_t>& first_row, const LaunchPlace& place) {
  if constexpr (form != Form::into_units) {
    const bool alone = epilogue.bias == nullptr && problem.segments == 1;
    if (form == Form::into_weights || alone) {
      if (epilogue.floats != nullptr) {
        return state_->run_stored<form, float>(problem, epilogue, first_row, place);
      }
      return state_->run_stored<form, Element>(problem, epilogue, first_row, place);
    }
  }
  if (state_->call == CublasCall::grouped && problem.segments == 1) {
    return state_->run_through_sums<form, Element>(problem, epilogue, first_row, place);
  }
  state_->run_through_sums<form, float>(problem, epilogue, first_row, place);
}

#define MOESIM_INSTANTIATE(form, Element, ...)                                              \
  template void CublasProducts::run<form, Element, __VA_ARGS__>(                            \
      const GroupedProblem<Element>&, const __VA_ARGS__&, const std::vector<std::int32_t>&, \
      const LaunchPlace&);
MOESIM_EACH_PRODUCT(MOESIM_INSTANTIATE, Bf16)
MOESIM_EACH_PRODUCT(MOESIM_INSTANTIATE, float)
#undef MOESIM_INSTANTIATE

}  // namespace moesim::model::cuda
