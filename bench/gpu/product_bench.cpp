// SPDX-License-Identifier: Apache-2.0
// Measures the experts' products, alone (scope experts) and as a whole layer with routing and
// combination (scope layer), on the machine's GPU, a line of JSON for each figure.
//   product_bench points FOLDER             writes the grid's choices of experts; needs no GPU
//   product_bench ceilings                  a large product by cuBLAS, a copy within the device
//   product_bench layers SECONDS [--methods NAME,...] [SHAPE...]
//     the grid, by each of the methods that the device has, until the time is up; 77: it has none
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/named_table.h"
#include "bench/gpu/device_clock.h"
#include "bench/gpu/expert_layer.h"
#include "bench/gpu/fill_normal.h"
#include "bench/gpu/whole_layer.h"
#include "model/cuda/gemm/cuda_status.h"

namespace moesim::bench {
namespace {

using model::cuda::Bf16;
using model::cuda::GroupedProducts;
using model::cuda::ProductMethod;
using model::cuda::require;

constexpr double kMostFlops = 1.5e13;  // of a point: 19 ms at 790 TFLOP/s
constexpr double kBurstSeconds = 0.03;
constexpr double kSustainedSeconds = 0.5;
constexpr double kTolerance = 4e-3;
constexpr int kSkipped = 77;  // as ctest reads it

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// C = A B of 8,192 each, and a copy of 4 GB: bytes read and written both count.
void measure_ceilings() {
  constexpr int kSize = 8192;
  constexpr std::int64_t kCount = std::int64_t{kSize} * kSize;
  constexpr std::size_t kCopy = std::size_t{4} * 1000 * 1000 * 1000;
  DeviceClock clock;
  cublasHandle_t handle = nullptr;
  const DeviceMemory a(kCount * 2), b(kCount * 2), c(kCount * 2), workspace(std::size_t{64} << 20);
  fill_normal(a.as<Bf16>(), kCount, 1, 1);
  fill_normal(b.as<Bf16>(), kCount, 1, 2);
  if (cublasCreate(&handle) != CUBLAS_STATUS_SUCCESS ||
      cublasSetStream(handle, clock.stream()) != CUBLAS_STATUS_SUCCESS ||
      cublasSetWorkspace(handle, workspace.as<void>(), std::size_t{64} << 20) !=
          CUBLAS_STATUS_SUCCESS) {
    throw std::runtime_error("cuBLAS: no handle");
  }
  const auto multiply = [&] {
    const float one = 1;
    const float zero = 0;
    if (cublasGemmEx(handle, CUBLAS_OP_T, CUBLAS_OP_N, kSize, kSize, kSize, &one, a.as<Bf16>(),
                     CUDA_R_16BF, kSize, b.as<Bf16>(), CUDA_R_16BF, kSize, &zero, c.as<Bf16>(),
                     CUDA_R_16BF, kSize, CUBLAS_COMPUTE_32F,
                     CUBLAS_GEMM_DEFAULT) != CUBLAS_STATUS_SUCCESS) {
      throw std::runtime_error("cuBLAS: the large product failed");
    }
  };
  const double flops = 2.0 * kSize * kSize * kSize;
  const Timing burst = clock.time(multiply, kBurstSeconds);
  const Timing sustained = clock.time(multiply, 6 * kSustainedSeconds, true);
  const DeviceMemory from(kCopy), to(kCopy);
  const auto copy = [&] {
    require(cudaMemcpyAsync(to.as<void>(), from.as<void>(), kCopy, cudaMemcpyDeviceToDevice,
                            clock.stream()),
            "a copy");
  };
  const Timing copied = clock.time(copy, 4 * kBurstSeconds);
  char line[256];
  std::snprintf(line, sizeof line,
                R"({"kind": "ceilings", "flops_per_s_burst": %.6g, "flops_per_s_sustained": %.6g, )"
                R"("copy_bytes_per_s": %.6g})",
                flops / burst.median_s, flops / sustained.median_s,
                2.0 * static_cast<double>(kCopy) / copied.median_s);
  print_line(line);
  cublasDestroy(handle);
}

// NaN and what was not measured are null in JSON.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::isnan(value) ? "null" : text;
}

struct Row {
  const BenchPoint& point;
  ProductMethod method;
  const char* pass;
  const char* mode;
  const char* scope = "experts";  // or "layer": with routing and combination
};

// As the inside of a JSON string.
std::string quotable(std::string text) {
  for (char& c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') c = '\'';
  }
  return text.substr(0, 200);
}

struct Figures {
  Timing timing{NAN, 0, false};
  double error = NAN;   // not checked
  std::string problem;  // why there is no time; empty: there is
};

void print_row(const Row& row, const Figures& figures) {
  const std::string method = base::name_in_words(row.method);
  const double passes = std::string(row.pass) == "backward" ? 2 : 1;
  const Timing& timing = figures.timing;
  char line[1024];
  std::snprintf(line, sizeof line,
                R"({"kind": "experts", "shape": "%s", "mean_rows": %d, "tokens": %d, )"
                R"("distribution": "%s", "implementation": "moesim_%s", "pass": "%s", )"
                R"("mode": "%s", "scope": "%s", "time_s": %s, "runs": %d, "graph": %s, )"
                R"("flops": %.6g, "error": %s, "problem": "%s"})",
                row.point.shape.name, row.point.mean_rows, row.point.tokens,
                name_of(row.point.distribution), method.c_str(), row.pass, row.mode, row.scope,
                number(timing.median_s).c_str(), timing.runs, timing.graph ? "true" : "false",
                passes * row.point.flops(), number(figures.error).c_str(),
                quotable(figures.problem).c_str());
  print_line(line);
}

// What methods are timed with.
struct Bench {
  GroupedProducts& products;
  DeviceClock& clock;
  std::set<std::string> checked;  // names of rows, see require_right

  // The error of a first row of its shape, method and scope; NaN of a later one. Throws
  // std::runtime_error where it is too large: the next such row is checked again.
  template <class Layer, class Work>
  double require_right(const Row& row, const Layer& layer, const Work& forward) {
    const std::string name =
        std::string(row.point.shape.name) + base::name_in_words(row.method) + row.scope;
    if (checked.count(name) > 0) return NAN;
    layer.poison_results();
    require(cudaDeviceSynchronize(), "a filling");
    forward();
    const double error = layer.error_of_forward(3);
    if (!(error <= kTolerance)) {
      throw std::runtime_error("the result is wrong: off by " + number(error));
    }
    checked.insert(name);
    return error;
  }
};

void print_failure(const Row& row, const std::exception& error) {
  print_row(row, {{NAN, 0, false}, NAN, error.what()});
}

// The figures of one row by `measure`; what fails is a row without a time. Whether there is one.
// Throws std::runtime_error where the device cannot go on.
template <class Measure>
bool attempt(const Row& row, const ExpertLayer& layer, const Measure& measure) {
  try {
    print_row(row, measure());
    return true;
  } catch (const std::runtime_error& error) {
    print_failure(row, error);
  }
  require(cudaDeviceSynchronize(), "the device, after an error");
  cudaGetLastError();  // refused memory is no error of what follows
  layer.upload_order();
  return false;
}

// Keeps what a backward pass needs, as long as it lives.
class KeptZ {
 public:
  explicit KeptZ(ExpertLayer& layer) : layer_(layer) { layer_.keep_z(true); }
  ~KeptZ() { layer_.keep_z(false); }
  KeptZ(const KeptZ&) = delete;
  KeptZ& operator=(const KeptZ&) = delete;

 private:
  ExpertLayer& layer_;
};

// One method on one point: the products alone.
void measure_products(ExpertLayer& layer, Bench& bench, Row row) {
  const auto forward = [&] { layer.forward(bench.products, row.method); };
  const auto backward = [&] { layer.backward(bench.products, row.method); };
  double error = NAN;
  const bool is_right = attempt(row, layer, [&]() -> Figures {
    error = bench.require_right(row, layer, forward);
    return {bench.clock.time(forward, kBurstSeconds), error, ""};
  });
  const bool goal = row.point.mean_rows == 64 || row.point.mean_rows == 1024;
  if (!is_right || !goal || row.point.distribution != Distribution::balanced) return;
  row.mode = "sustained";
  attempt(row, layer, [&]() -> Figures {
    return {bench.clock.time(forward, kSustainedSeconds, true), error, ""};
  });
  row.mode = "burst";
  row.pass = "backward";
  attempt(row, layer, [&]() -> Figures {
    const KeptZ kept(layer);
    forward();
    return {bench.clock.time(backward, kBurstSeconds), NAN, ""};
  });
}

// The same with routing and combination.
void measure_whole(const ExpertLayer& layer, WholeLayer& whole, Bench& bench, const Row& row) {
  const auto forward = [&] { whole.forward(bench.products, row.method, bench.clock.stream()); };
  attempt(row, layer, [&]() -> Figures {
    const double error = bench.require_right(row, whole, forward);
    return {bench.clock.time(forward, kBurstSeconds), error, ""};
  });
}

// What a point is measured by; where there is no memory for it, each row says so.
class PointRows {
 public:
  PointRows(const BenchPoint& point, const std::vector<ProductMethod>& methods)
      : point_(point), methods_(methods) {}

  // Calls `measure` for the row of each method; `scope` as in Row.
  template <class Measure>
  void each(const char* scope, const Measure& measure) const {
    for (const ProductMethod method : methods_) {
      measure(Row{point_, method, "forward", "burst", scope});
    }
  }

  // Calls `make`; where it throws std::runtime_error, prints the rows of `scopes` with its problem.
  template <class Make>
  bool made(const std::vector<const char*>& scopes, const Make& make) const {
    try {
      make();
      return true;
    } catch (const std::runtime_error& error) {
      for (const char* const scope : scopes) {
        each(scope, [&](const Row& row) { print_failure(row, error); });
      }
    }
    require(cudaDeviceSynchronize(), "the device, after an error");
    cudaGetLastError();  // refused memory is no error of what follows
    return false;
  }

 private:
  const BenchPoint& point_;
  const std::vector<ProductMethod>& methods_;
};

// Weights on the device, of the shape that was asked for last.
class KeptWeights {
 public:
  const ExpertWeightsOnDevice& of(const LayerShape& shape) {
    if (weights_ == nullptr || weights_->shape().name != shape.name) {
      weights_.reset();
      weights_ = std::make_unique<ExpertWeightsOnDevice>(shape);
    }
    return *weights_;
  }

 private:
  std::unique_ptr<ExpertWeightsOnDevice> weights_;
};

void measure_point(KeptWeights& weights, const BenchPoint& point,
                   const std::vector<ProductMethod>& methods, Bench& bench) {
  const PointRows rows(point, methods);
  const std::vector<std::int32_t> choices = expert_choices(point);
  std::vector<const char*> scopes = {"experts"};
  if (point.times_layer()) scopes.push_back("layer");
  std::optional<ExpertLayer> layer;
  if (!rows.made(scopes, [&] { layer.emplace(weights.of(point.shape), point, choices); })) return;
  rows.each("experts", [&](const Row& row) { measure_products(*layer, bench, row); });
  if (!point.times_layer()) return;
  std::optional<WholeLayer> whole;
  if (!rows.made({"layer"}, [&] { whole.emplace(*layer, point, choices); })) return;
  rows.each("layer", [&](const Row& row) { measure_whole(*layer, *whole, bench, row); });
}

// Warpgroups last: what goes wrong in one ends the program.
constexpr ProductMethod kMethods[] = {ProductMethod::warps, ProductMethod::cublas_loop,
                                      ProductMethod::cublas_grouped, ProductMethod::warpgroups};

// Those that `names` has, separated by commas; all of them where it is empty. Throws
// std::runtime_error for a name of none.
std::vector<ProductMethod> methods_of(const std::string& names) {
  if (names.empty()) return {std::begin(kMethods), std::end(kMethods)};
  std::vector<ProductMethod> methods;
  std::stringstream words(names);
  for (std::string word; std::getline(words, word, ',');) {
    const auto* const method = std::find_if(
        std::begin(kMethods), std::end(kMethods),
        [&](ProductMethod candidate) { return base::name_in_words(candidate) == word; });
    if (method == std::end(kMethods)) throw std::runtime_error("no method is named " + word);
    methods.push_back(*method);
  }
  return methods;
}

// The grid by those of `methods` that the device has; 77 where it has none of them, else 0.
int measure_layers(double seconds, std::vector<ProductMethod> methods,
                   const std::set<std::string>& shapes) {
  const double end = seconds_now() + seconds;
  DeviceClock clock;
  GroupedProducts products(model::cuda::shipped_method_table(), clock.stream());
  Bench bench{products, clock, {}};
  if (products.compute_capability() != "9.0") {
    methods.erase(std::remove(methods.begin(), methods.end(), ProductMethod::warpgroups),
                  methods.end());
  }
  if (methods.empty()) {
    print_line("product_bench: warpgroups are made for compute capability 9.0");
    return kSkipped;
  }
  KeptWeights weights;
  int left = 0;
  for (const BenchPoint& point : bench_points(kMostFlops)) {
    if (!shapes.empty() && shapes.count(point.shape.name) == 0) continue;
    if (seconds_now() > end) {
      ++left;
      continue;
    }
    measure_point(weights, point, methods, bench);
  }
  print_line("{\"kind\": \"end\", \"points_left\": " + std::to_string(left) + "}");
  return 0;
}

int run(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "points" && argc == 3) {
    write_points(bench_points(kMostFlops), argv[2]);
  } else if (what == "ceilings" && argc == 2) {
    measure_ceilings();
  } else if (what == "layers" && argc >= 3) {
    const bool names_methods = argc >= 5 && std::string(argv[3]) == "--methods";
    return measure_layers(std::stod(argv[2]), methods_of(names_methods ? argv[4] : ""),
                          std::set<std::string>(argv + (names_methods ? 5 : 3), argv + argc));
  } else {
    std::fprintf(stderr,
                 "product_bench points FOLDER | ceilings | "
                 "layers SECONDS [--methods NAME,...] [SHAPE...]\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace moesim::bench

int main(int argc, char** argv) {
  try {
    return moesim::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "product_bench: %s\n", error.what());
    return 1;
  }
}
