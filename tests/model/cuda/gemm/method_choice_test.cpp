// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/method_choice.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"

namespace moesim::model::cuda {
namespace {

ProductSize size_of(const std::string& capability, const std::vector<int>& rows, int columns) {
  ProductSize size{capability, {0}, columns, 4096};
  for (const int count : rows) size.first_row.push_back(size.first_row.back() + count);
  return size;
}

// 512 rows by 28,672 columns (Mixtral's gate and up) by 4,096 are 1.2e11 operations; by 1,536
// columns 6.4e9, too few for a product of its own. Experts without rows count for nothing: 1,024
// rows on one of four experts are 1,024 an expert.
TEST(MethodChoice, GivesCublasLargeProductsOfManyRowsOnly) {
  const MethodTable methods = shipped_method_table();
  EXPECT_EQ(choose_method(methods, size_of("9.0", {512, 512}, 28672)), ProductMethod::cublas_loop);
  EXPECT_EQ(choose_method(methods, size_of("9.0", {512, 512}, 1536)), ProductMethod::warpgroups);
  EXPECT_EQ(choose_method(methods, size_of("9.0", {511, 511}, 28672)), ProductMethod::warpgroups);
  EXPECT_EQ(choose_method(methods, size_of("9.0", {0, 1024, 0, 0}, 28672)),
            ProductMethod::cublas_loop);
}

TEST(MethodChoice, TakesWarpsWhereThereIsNoWgmma) {
  const MethodTable methods = shipped_method_table();
  for (const char* const capability : {"8.0", "8.6", "10.0", "12.0"}) {
    EXPECT_EQ(choose_method(methods, size_of(capability, {64, 64}, 1536)), ProductMethod::warps);
  }
  EXPECT_EQ(choose_method(methods, size_of("9.0", {0, 0}, 1536)), ProductMethod::warpgroups);
}

TEST(MethodChoice, AsksCublasOnlyWhereTheRowsAreKnown) {
  MethodTable methods;
  methods.rules = {{"", 0, 0, ProductMethod::cublas_grouped}, {"", 0, 0, ProductMethod::warps}};
  EXPECT_EQ(choose_method(methods, size_of("9.0", {64}, 1536)), ProductMethod::cublas_grouped);
  EXPECT_EQ(choose_method(methods, {"9.0", {}, 1536, 4096}), ProductMethod::warps);
}

// Nothing unmeasured is claimed: the file says what it is.
TEST(MethodChoice, ShippedTableSaysThatItIsNotMeasured) {
  const MethodTable methods = shipped_method_table();
  EXPECT_FALSE(methods.measured);
  EXPECT_EQ(methods.source.substr(0, 12), "Not measured");
}

class MethodFile : public ::testing::Test {
 protected:
  std::string error_of(const std::string& text) {
    const std::filesystem::path path =
        std::filesystem::path(::testing::TempDir()) /  // tests run beside each other
        (std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + ".json");
    std::ofstream(path) << text;
    try {
      read_method_table(path);
    } catch (const base::Error& error) {
      return error.message();
    }
    return "";
  }
};

TEST_F(MethodFile, HasToAnswerForEveryProduct) {
  EXPECT_EQ(error_of(R"({"source": "s", "rules": [{"method": "warps"}]})"), "");
  EXPECT_EQ(error_of(R"({"source": "s", "rules": []})"),
            "the last rule does not fit every product");
  EXPECT_EQ(error_of(R"({"source": "s", "rules": [{"method": "cublas_loop"}]})"),
            "the last rule does not fit every product");
  EXPECT_EQ(error_of(R"({"source": "s", "rules": [{"method": "warps", "min_expert_flops": 1}]})"),
            "the last rule does not fit every product");
}

TEST_F(MethodFile, NamesWarpgroupsForTheirProcessorAlone) {
  EXPECT_EQ(error_of(R"({"source": "s", "rules": [{"method": "warpgroups"}]})"),
            "\"warpgroups\" runs on compute capability 9.0 alone");
  EXPECT_EQ(error_of(R"({"source": "s", "rules": [{"method": "wgmma"}]})").substr(0, 7), "unknown");
}

}  // namespace
}  // namespace moesim::model::cuda
