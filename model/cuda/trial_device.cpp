// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/trial_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "model/cuda/backend_choice.h"
#include "model/cuda/gemm/grouped_multiplier.h"
#include "model/cuda/gemm/shared_layout.h"
#include "model/cuda/gemm/tile_configs.h"
#include "model/cuda/kernel_list.h"
#include "model/cuda/operand_pool.h"

namespace moesim::model::cuda {
namespace {

constexpr std::int64_t kMostOperands = std::int64_t{8} << 30;  // bytes
// A wait takes some 10 us.
constexpr double kBatchSeconds = 2e-3;
// Sets of operands of one launch beyond this many caches find none of them there.
constexpr std::int64_t kCaches = 4;
constexpr std::int64_t kMostSets = 64;

// What trials share.
struct Place {
  Device& device;
  OperandPool& pool;
  MemoryRing& results;
};

template <class Element>
std::vector<float> brought_down(Device& device, const Element* from, std::int64_t count) {
  std::vector<Element> elements(static_cast<std::size_t>(count));
  device.download(from, elements.data(), elements.size() * sizeof(Element));
  std::vector<float> values;
  values.reserve(elements.size());
  for (const Element element : elements) values.push_back(to_float(element));
  return values;
}

// [rows, width] x [width, columns], with sums and results in fp32 whatever the operands are.
template <class Element>
class SingleProduct final : public KernelTrial {
 public:
  SingleProduct(const TrialShape& shape, Place place)
      : place_(place), rows_(shape.total_rows()), width_(shape.width), columns_(shape.columns) {}

  void run() override {
    ProductOf<Element> product{rows_, columns_, width_};
    product.a = place_.pool.next<Element>(rows_ * width_);
    product.a_row = width_;
    product.b = place_.pool.next<Element>(width_ * columns_);
    product.b_row = 1;
    product.b_column = width_;
    product.c = result_ = place_.results.next<float>(rows_ * columns_);
    product.c_row = columns_;
    if constexpr (std::is_same_v<Element, float>) {
      if (place_.device.products() == ProductMode::in_order) {
        return launch(place_.device, MultiplyOne{product}, tiles_of(product), kMultiplyShared);
      }
    }
    place_.device.multiply_by_library(product);
  }
  std::vector<float> result() const override {
    return brought_down(place_.device, result_, rows_ * columns_);
  }

 private:
  Place place_;
  std::int64_t rows_;
  std::int64_t width_;
  std::int64_t columns_;
  float* result_ = nullptr;
};

// The same for every expert with weights of its own, in order. Which products there are lies in the
// device's memory, so that sets of operands and results are chosen beforehand.
class ProductsInOrder final : public KernelTrial {
 public:
  ProductsInOrder(const TrialShape& shape, Place place) : device_(place.device) {
    const std::int64_t rows = shape.total_rows();
    const auto experts = static_cast<std::int64_t>(shape.rows.size());
    const std::int64_t weights = experts * shape.width * shape.columns;
    result_elements_ = rows * shape.columns;
    const std::int64_t bytes =
        std::max<std::int64_t>(1, (rows * shape.width + weights) * std::int64_t{sizeof(float)});
    const std::int64_t wanted = ceil_divide(kCaches * device_.facts().cache_bytes, bytes);
    const auto sets = static_cast<int>(std::clamp<std::int64_t>(wanted, 1, kMostSets));
    std::vector<DeviceProduct> products;
    std::vector<std::int64_t> first_tile = {0};
    for (int set = 0; set < sets; ++set) add_set(shape, place, products);
    for (std::size_t i = 0; i < shape.rows.size(); ++i) {
      first_tile.push_back(first_tile.back() + tiles_of(products[i]));
    }
    tiles_ = first_tile.back();
    sets_ = sets;
    experts_ = static_cast<int>(experts);
    products_.upload(device_, products);
    first_tile_.upload(device_, first_tile);
  }

  void run() override {
    const DeviceProduct* const set = products_.data() + std::int64_t{set_} * experts_;
    result_ = results_[static_cast<std::size_t>(set_)];
    set_ = (set_ + 1) % sets_;
    launch(device_, MultiplyMany{set, first_tile_.data(), experts_}, tiles_, kMultiplyShared);
  }
  std::vector<float> result() const override {
    return brought_down(device_, result_, result_elements_);
  }

 private:
  void add_set(const TrialShape& shape, Place place, std::vector<DeviceProduct>& products) {
    const std::int64_t of_expert = std::int64_t{shape.width} * shape.columns;
    const float* from = place.pool.next<float>(shape.total_rows() * shape.width);
    const float* weights =
        place.pool.next<float>(static_cast<std::int64_t>(shape.rows.size()) * of_expert);
    float* to = place.results.next<float>(result_elements_);
    results_.push_back(to);
    for (const int rows : shape.rows) {
      DeviceProduct product{rows, shape.columns, shape.width};
      product.a = from;
      product.a_row = shape.width;
      product.b = weights;
      product.b_row = 1;
      product.b_column = shape.width;
      product.c = to;
      product.c_row = shape.columns;
      products.push_back(product);
      from += std::int64_t{rows} * shape.width;
      weights += of_expert;
      to += std::int64_t{rows} * shape.columns;
    }
  }

  Device& device_;
  std::int64_t result_elements_ = 0;
  std::vector<const float*> results_;  // [sets]
  const float* result_ = nullptr;
  Buffer<DeviceProduct> products_;  // [sets, experts]
  Buffer<std::int64_t> first_tile_;
  std::int64_t tiles_ = 0;
  int experts_ = 0;
  int sets_ = 1;
  int set_ = 0;
};

// The same in bf16, as mixed precision multiplies activations by an expert's last weights: the host
// does not tell how many rows each expert has.
class GroupedProduct final : public KernelTrial {
 public:
  GroupedProduct(const TrialShape& shape, Place place) : place_(place) {
    std::vector<std::int32_t> first_row = {0};
    for (const int rows : shape.rows) first_row.push_back(first_row.back() + rows);
    problem_.first_row = first_row_.upload(place.device, first_row);
    problem_.rows = first_row.back();
    problem_.experts = static_cast<int>(shape.rows.size());
    problem_.columns = shape.columns;
    problem_.depth = shape.width;
    problem_.a[0] = {nullptr, shape.width, 0, nullptr};
    problem_.b[0] = {nullptr, shape.columns, std::int64_t{shape.width} * shape.columns, nullptr};
    store_.stride = shape.columns;
    store_.columns = shape.columns;
  }

  void run() override {
    problem_.a[0].data = place_.pool.next<Bf16>(problem_.rows * problem_.depth);
    problem_.b[0].data = place_.pool.next<Bf16>(problem_.experts * problem_.b[0].expert_stride);
    store_.elements = place_.results.next<Bf16>(elements());
    place_.device.grouped().into_rows(problem_, store_, {});
  }
  std::vector<float> result() const override {
    return brought_down(place_.device, store_.elements, elements());
  }

 private:
  std::int64_t elements() const { return std::int64_t{problem_.rows} * problem_.columns; }

  Place place_;
  GroupedProblem<Bf16> problem_;
  StoreOutput<Bf16> store_;
  Buffer<std::int32_t> first_row_;
};

// Rows in bf16 are copied as floats of half as many, and summed in fp32 into bf16.
class MovedRows final : public KernelTrial {
 public:
  MovedRows(const TrialShape& shape, Place place)
      : place_(place),
        rows_(shape.total_rows()),
        tokens_(shape.tokens),
        width_(shape.width),
        rounds_(place.device.products() == ProductMode::bf16),
        slots_(shape.slots()),
        permutes_(shape.kernel == TrialKernel::permute) {
    std::vector<std::int32_t> places = spread_places(rows_);
    if (permutes_) {
      for (std::int32_t& row : places) row %= static_cast<std::int32_t>(tokens_);
    }
    places_.upload(place.device, places);
  }

  void run() override {
    if (permutes_) return permute(copied_width());
    rounds_ ? combine<Bf16>() : combine<float>();
  }
  std::vector<float> result() const override {
    if (permutes_) return result_of<float>(rows_ * copied_width());
    return rounds_ ? result_of<Bf16>(tokens_ * width_) : result_of<float>(tokens_ * width_);
  }

 private:
  std::int64_t copied_width() const { return rounds_ ? width_ / 2 : width_; }
  template <class Element>
  std::vector<float> result_of(std::int64_t count) const {
    return brought_down(place_.device, static_cast<const Element*>(to_), count);
  }
  void permute(std::int64_t width) {
    PermuteRows kernel;
    kernel.from = place_.pool.next<float>(tokens_ * width);
    kernel.to = place_.results.next<float>(rows_ * width);
    to_ = kernel.to;
    kernel.source = places_.data();
    kernel.width = width;
    launch(place_.device, kernel, rows_);
  }
  template <class Element>
  void combine() {
    CombineRowsOf<Element, Element> kernel;
    kernel.from = place_.pool.next<Element>(rows_ * width_);
    kernel.weights = place_.pool.next<float>(rows_);
    kernel.to = place_.results.next<Element>(tokens_ * width_);
    to_ = kernel.to;
    kernel.place = places_.data();
    kernel.width = width_;
    kernel.slots = slots_;
    launch(place_.device, kernel, tokens_);
  }

  Place place_;
  std::int64_t rows_;
  std::int64_t tokens_;
  std::int64_t width_;
  bool rounds_;
  int slots_;
  bool permutes_;
  Buffer<std::int32_t> places_;
  const void* to_ = nullptr;
};

// Two numbers a token and head, up to where the mixed values begin at 256 bytes.
std::int64_t softmax_elements(std::int64_t tokens, std::int64_t heads) {
  constexpr std::int64_t kAligned = 256 / sizeof(float);
  return ceil_divide(2 * tokens * heads, kAligned) * kAligned;
}

// Causal scores and weighted values, without the projections.
class Scores final : public KernelTrial {
 public:
  Scores(const TrialShape& shape, Place place) : place_(place) {
    kernel_.layout.tokens = shape.total_rows();
    kernel_.layout.seq_length = shape.columns;
    kernel_.layout.num_heads = kernel_.layout.num_key_value_heads = shape.heads;
    kernel_.layout.head_size = shape.width / shape.heads;
    kernel_.layout.scale = 1 / std::sqrt(static_cast<float>(kernel_.layout.head_size));
    const std::int64_t tokens = kernel_.layout.tokens;
    of_mixed_ = tokens * shape.width;
    of_softmax_ = softmax_elements(tokens, shape.heads);
    of_all_ = 3 * tokens * shape.width;
    blocks_ = ceil_divide(tokens * shape.heads, kQueriesPerBlock);
  }

  void run() override {
    kernel_.query_key_value = place_.pool.next<float>(of_all_);
    kernel_.softmax = place_.results.next<float>(of_softmax_ + of_mixed_);
    kernel_.mixed = kernel_.softmax + of_softmax_;
    launch(place_.device, kernel_, blocks_,
           sizeof(float) * kQueriesPerBlock * static_cast<std::size_t>(kernel_.layout.seq_length));
  }
  std::vector<float> result() const override {
    return brought_down(place_.device, kernel_.mixed, of_mixed_);
  }

 private:
  Place place_;
  AttendToKeys kernel_;
  std::int64_t of_all_ = 0;  // elements of queries, keys and values
  std::int64_t of_mixed_ = 0;
  std::int64_t of_softmax_ = 0;
  std::int64_t blocks_ = 0;
};

// Elements of one run.
struct Sizes {
  std::int64_t operands = 0;
  std::int64_t results = 0;
  std::int64_t blocks = 0;  // of the launch, at most
};

Sizes sizes_of(const TrialShape& shape) {
  const std::int64_t rows = shape.total_rows();
  const std::int64_t width = shape.width;
  switch (shape.kernel) {
    case TrialKernel::permute:
      return {shape.tokens * width, rows * width, rows};
    case TrialKernel::combine:
      return {rows * (width + 1), shape.tokens * width, shape.tokens};
    case TrialKernel::attention:
      return {3 * rows * width, rows * width + softmax_elements(rows, shape.heads),
              rows * shape.heads};
    case TrialKernel::gemm:
    case TrialKernel::grouped_gemm:
      break;
  }
  const auto experts = static_cast<std::int64_t>(shape.rows.size());
  return {(rows + experts * shape.columns) * width, rows * shape.columns,
          (rows / kTile + experts) * tiles_along(shape.columns)};
}

class TrialDevice final : public TrialMachine {
 public:
  explicit TrialDevice(Device& device)
      : device_(device),
        facts_(device.facts()),
        pool_(device, std::min(facts_.memory_bytes / 4, kMostOperands)),
        results_(device, pool_.bytes()) {}

  std::string name() const override { return device_.name(); }
  std::string description() const override {
    return fmt::format("{}, {}, backend {}", name(), facts_.versions,
                       backend_of(device_.products()));
  }
  int workers() const override { return facts_.multiprocessors; }
  // Attention's scores are fp32 in every mode.
  double element_bytes(TrialKernel kernel) const override {
    return rounds() && kernel != TrialKernel::attention ? sizeof(Bf16) : sizeof(float);
  }

  bool fits(const TrialShape& shape) const override {
    const Sizes sizes = sizes_of(shape);
    const std::int64_t most = pool_.bytes() / std::int64_t{sizeof(float)};
    return takes(shape) && sizes.operands <= most && sizes.results <= most &&
           sizes.blocks <= std::numeric_limits<int>::max();
  }
  std::unique_ptr<KernelTrial> prepare(const TrialShape& shape) override {
    CHECK(fits(shape), "who asks has asked whether it fits");
    const Place place{device_, pool_, results_};
    switch (shape.kernel) {
      case TrialKernel::permute:
      case TrialKernel::combine:
        return std::make_unique<MovedRows>(shape, place);
      case TrialKernel::attention:
        return std::make_unique<Scores>(shape, place);
      case TrialKernel::grouped_gemm:
        if (rounds()) return std::make_unique<GroupedProduct>(shape, place);
        return std::make_unique<ProductsInOrder>(shape, place);
      case TrialKernel::gemm:
        break;
    }
    if (rounds()) return std::make_unique<SingleProduct<Bf16>>(shape, place);
    return std::make_unique<SingleProduct<float>>(shape, place);
  }
  void wait() override { device_.synchronise(); }
  double batch_seconds() const override { return kBatchSeconds; }

 private:
  bool rounds() const { return device_.products() == ProductMode::bf16; }
  bool takes(const TrialShape& shape) const {
    if (shape.kernel == TrialKernel::attention) return shape.columns <= kLongestSequence;
    if (shape.kernel != TrialKernel::grouped_gemm || !rounds()) return true;
    return shape.width % kLineElements == 0 && shape.columns % kLineElements == 0 &&
           static_cast<int>(shape.rows.size()) <= kMostGroupedExperts;
  }

  Device& device_;
  DeviceFacts facts_;
  OperandPool pool_;
  MemoryRing results_;
};

}  // namespace

std::unique_ptr<TrialMachine> make_trial_device(Device& device) {
  return std::make_unique<TrialDevice>(device);
}

}  // namespace moesim::model::cuda
