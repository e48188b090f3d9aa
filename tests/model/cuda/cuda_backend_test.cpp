// SPDX-License-Identifier: Apache-2.0
// The processor's backend is the reference, and every result is its result bit for bit.
#include "model/cuda/cuda_backend.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/error.h"
#include "model/cuda/kernel_list.h"
#include "model/elementary.h"
#include "tests/model/cpu/product_cases.h"
#include "tests/support/numerics.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::kRaggedSizes;
using moesim::testing::on_each_device;
using moesim::testing::OwnedPass;
using moesim::testing::random_matrix;

using Places = std::vector<std::int32_t>;

// Equal as bits are, a NaN being equal to itself.
void expect_same_bits(const std::vector<float>& expected, const std::vector<float>& actual) {
  ASSERT_EQ(expected.size(), actual.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(vector_math::bits_of(expected[i]), vector_math::bits_of(actual[i])) << i;
  }
}

TEST(CudaBackend, MultipliesRaggedShapes) {
  on_each_device([](Device& device) {
    const auto backend = make_cuda_backend(device);
    base::Rng rng(1, "products");
    int turn = 0;
    for (const int m : kRaggedSizes) {
      // Every size in every place, and every layout of either operand.
      const int n = kRaggedSizes[static_cast<std::size_t>((turn * 3 + 1) % 8)];
      const int k = kRaggedSizes[static_cast<std::size_t>((turn * 5 + 2) % 8)];
      const ProductCase shape{m,
                              n,
                              k,
                              kLayouts[turn % 3],
                              kLayouts[turn / 3 % 3],
                              turn % 2,
                              turn % 3 == 1,
                              turn % 3 == 2};
      WorkedProduct<float> worked(shape, rng);
      backend->multiply(worked.product);
      SCOPED_TRACE(m);
      expect_same_bits(worked.expected, worked.c.data);
      ++turn;
    }
  });
}

TEST(CudaBackend, MultipliesManyAtOnce) {
  on_each_device([](Device& device) {
    const auto backend = make_cuda_backend(device);
    base::Rng rng(2, "products");
    std::vector<WorkedProduct<float>> worked;
    worked.reserve(kRaggedSizes.size());
    std::vector<Product<float>> products;
    for (const int m : kRaggedSizes) {
      worked.emplace_back(ProductCase{m, 70, 20}, rng);
      products.push_back(worked.back().product);
    }
    backend->grouped_multiply(products);
    for (const WorkedProduct<float>& one : worked) expect_same_bits(one.expected, one.c.data);
  });
}

// Scores of a few values, so that there are ties, and one in fifty is not a number.
Matrix<float> scores_with_ties(Index tokens, Index experts, base::Rng& rng) {
  Matrix<float> scores(tokens, experts);
  for (Index i = 0; i < scores.size(); ++i) {
    scores.data()[i] = static_cast<float>(rng.below(7)) - 3.0F;
    if (rng.below(50) == 0) scores.data()[i] = std::numeric_limits<float>::quiet_NaN();
  }
  return scores;
}

struct Choice {
  int experts, top_k, n_group, topk_group, group_best;
};

TEST(CudaBackend, IsNoneOfMixedPrecision) {
  on_each_device([](Device& device) {
    device.use_products(ProductMode::bf16);
    EXPECT_THROW(make_cuda_backend(device), base::Error);
  });
}

TEST(CudaBackend, SelectsAsTheProcessorDoes) {
  const OwnedPass<float> processor;
  on_each_device([&](Device& device) {
    const auto backend = make_cuda_backend(device);
    base::Rng rng(3, "scores");
    for (const Choice& c :
         {Choice{1, 1, 1, 1, 2}, Choice{8, 2, 1, 1, 2}, Choice{33, 33, 1, 1, 2},
          Choice{64, 6, 8, 3, 2}, Choice{160, 6, 8, 3, 1}, Choice{256, 8, 8, 4, 2}}) {
      for (const int tokens : {1, 4, 5, 33}) {
        const Matrix<float> scores = scores_with_ties(tokens, c.experts, rng);
        Selection<float> selection{scores.data(), tokens, c.experts, c.top_k};
        selection.n_group = c.n_group;
        selection.topk_group = c.topk_group;
        selection.group_best = c.group_best;
        Places expected(static_cast<std::size_t>(tokens * c.top_k));
        Places chosen(expected.size(), -7);
        processor.backend->select(selection, expected.data());
        backend->select(selection, chosen.data());
        EXPECT_EQ(expected, chosen) << c.experts << " experts, " << tokens << " tokens";
      }
    }
  });
}

TEST(CudaBackend, PermutesRowsOfAnyWidth) {
  const OwnedPass<float> processor;
  on_each_device([&](Device& device) {
    const auto backend = make_cuda_backend(device);
    base::Rng rng(4, "rows");
    for (const int width : kRaggedSizes) {
      const Matrix<float> from = random_matrix<float>(5, width, rng);
      const Places source = {4, 0, 0, 3, 2, 4};
      const std::vector<float> weights = {0.5F, -1, 3, 0, 1, 2};
      for (const float* weight : {static_cast<const float*>(nullptr), weights.data()}) {
        std::vector<float> expected(source.size() * static_cast<std::size_t>(width));
        std::vector<float> moved(expected.size());
        processor.backend->permute({from.data(), expected.data(), width}, source, weight);
        backend->permute({from.data(), moved.data(), width}, source, weight);
        expect_same_bits(expected, moved);
      }
    }
  });
}

TEST(CudaBackend, CombinesInTheSlotsOrder) {
  const OwnedPass<float> processor;
  on_each_device([&](Device& device) {
    const auto backend = make_cuda_backend(device);
    base::Rng rng(5, "rows");
    for (const int width : kRaggedSizes) {
      const Matrix<float> from = random_matrix<float>(5, width, rng);
      const Places place = {4, 0, 1, -1, 3, 2, -1, -1, -1};
      const std::vector<float> weights = {0.1F, 0.7F, 0.2F, 9, 0.6F, 0.4F, 9, 9, 9};
      for (const bool accumulate : {false, true}) {
        std::vector<float> expected(3 * static_cast<std::size_t>(width), 0.3F);
        std::vector<float> combined = expected;
        processor.backend->combine({from.data(), expected.data(), width}, place, 3, weights.data(),
                                   accumulate);
        backend->combine({from.data(), combined.data(), width}, place, 3, weights.data(),
                         accumulate);
        expect_same_bits(expected, combined);
      }
    }
  });
}

// Nine slots, more than are loaded at once, of rows and sums in bf16 and floats, of widths that are
// runs of 8 columns and one that is not, against the processor's sums over the same values, rounded
// once where they go.
template <class Element, class Result>
void expect_combined(Device& device, std::int64_t width, bool accumulate) {
  const OwnedPass<float> processor;
  base::Rng rng(6, "rows");
  Matrix<float> from = random_matrix<float>(5, width, rng);
  for (Index i = 0; i < from.size(); ++i) {
    from.data()[i] = to_float(to_element<Element>(from.data()[i]));
  }
  std::vector<Element> elements;
  for (Index i = 0; i < from.size(); ++i) elements.push_back(to_element<Element>(from.data()[i]));
  const Places place = {4, 0, 1, -1, 3, 2, 2, 0, 1, -1, -1, -1, -1, -1, -1, -1, -1, 3};
  std::vector<float> weights;
  for (std::size_t i = 0; i < place.size(); ++i) weights.push_back(0.3F + static_cast<float>(i));
  std::vector<float> expected(2 * static_cast<std::size_t>(width), 0.5F);
  processor.backend->combine({from.data(), expected.data(), width}, place, 9, weights.data(),
                             accumulate);
  Buffer<Element> rows;
  Buffer<Result> sums;
  Buffer<std::int32_t> places;
  Buffer<float> factors;
  CombineRowsOf<Element, Result> combine;
  combine.from = rows.upload(device, elements);
  combine.to = sums.upload(device, std::vector<Result>(expected.size(), to_element<Result>(0.5F)));
  combine.place = places.upload(device, place);
  combine.weights = factors.upload(device, weights);
  combine.width = width;
  combine.slots = 9;
  combine.accumulate = accumulate;
  launch(device, combine, 2);
  const std::vector<Result> combined = sums.download();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(to_float(combined[i]), to_float(to_element<Result>(expected[i]))) << i;
  }
}

TEST(CombineRows, SumsManySlotsOfEitherKindOfElement) {
  on_each_device([](Device& device) {
    for (const int width : {8, 12, 1032}) {
      for (const bool accumulate : {false, true}) {
        expect_combined<float, float>(device, width, accumulate);
        expect_combined<Bf16, float>(device, width, accumulate);
        expect_combined<Bf16, Bf16>(device, width, accumulate);
      }
    }
  });
}

}  // namespace
}  // namespace moesim::model::cuda
