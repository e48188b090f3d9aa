// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/device_clock.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "model/cuda/gemm/cuda_status.h"

namespace moesim::bench {

using model::cuda::require;

namespace {

constexpr std::size_t kQueued = 100;  // runs at most that wait on the device for those before them

// The moments between runs.
class Moments {
 public:
  Moments() {
    for (cudaEvent_t& event : events_) require(cudaEventCreate(&event), "an event");
  }
  ~Moments() {
    for (const cudaEvent_t event : events_) {
      if (event != nullptr) cudaEventDestroy(event);
    }
  }
  Moments(const Moments&) = delete;
  Moments& operator=(const Moments&) = delete;

  void mark(std::size_t i, cudaStream_t stream) {
    require(cudaEventRecord(events_[i], stream), "an event");
  }
  // From moment i to the next one; both have to be over.
  double seconds_after(std::size_t i) const {
    float milliseconds = 0;
    require(cudaEventElapsedTime(&milliseconds, events_[i], events_[i + 1]), "a time");
    return std::max(1e-9, milliseconds * 1e-3);
  }

 private:
  std::array<cudaEvent_t, kQueued + 1> events_{};
};

struct DestroyGraph {
  void operator()(CUgraphExec_st* graph) const { cudaGraphExecDestroy(graph); }
};

// How many more runs fill the seconds that are left, by the median of the runs so far.
std::size_t runs_for(double seconds, std::vector<double> times) {
  if (times.empty()) return 3;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return static_cast<std::size_t>(std::clamp(std::ceil(seconds / *middle), 3.0, 1.0 * kQueued));
}

}  // namespace

DeviceClock::DeviceClock() {
  require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "a stream");
}

DeviceClock::~DeviceClock() { cudaStreamDestroy(stream_); }

// Null where the work cannot be captured.
cudaGraphExec_t DeviceClock::captured(const std::function<void()>& work) {
  require(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "a capture");
  bool done = true;
  try {
    work();
  } catch (const std::runtime_error&) {
    done = false;
  }
  cudaGraph_t graph = nullptr;
  done = cudaStreamEndCapture(stream_, &graph) == cudaSuccess && done;
  cudaGraphExec_t exec = nullptr;
  if (done && cudaGraphInstantiate(&exec, graph, 0) != cudaSuccess) exec = nullptr;
  if (graph != nullptr) cudaGraphDestroy(graph);
  cudaGetLastError();  // a refusal is no error of what follows
  return exec;
}

Timing DeviceClock::time(const std::function<void()>& work, double seconds, bool last_third) {
  work();
  require(cudaStreamSynchronize(stream_), "the work");
  const std::unique_ptr<CUgraphExec_st, DestroyGraph> graph(captured(work));
  Moments moments;
  std::vector<double> times;
  double total = 0;
  while (total < seconds || times.size() < 6) {
    const std::size_t runs = runs_for(seconds - total, times);
    moments.mark(0, stream_);
    for (std::size_t i = 1; i <= runs; ++i) {
      if (graph != nullptr) {
        require(cudaGraphLaunch(graph.get(), stream_), "a graph");
      } else {
        work();
      }
      moments.mark(i, stream_);
    }
    require(cudaStreamSynchronize(stream_), "the work");
    for (std::size_t i = 0; i < runs; ++i) times.push_back(moments.seconds_after(i));
    total += std::accumulate(times.end() - static_cast<std::ptrdiff_t>(runs), times.end(), 0.0);
  }
  const int runs = static_cast<int>(times.size());
  if (last_third) times.erase(times.begin(), times.begin() + runs * 2 / 3);
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                   times.end());
  return {times[times.size() / 2], runs, graph != nullptr};
}

}  // namespace moesim::bench
