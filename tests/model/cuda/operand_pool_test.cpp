// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/operand_pool.h"

#include <cmath>
#include <cstring>
#include <set>

#include "base/check.h"
#include "model/cuda/gemm/bf16.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::on_each_device;

// 1,000 bytes are rounded up to 1,024. As bf16, and as floats whose upper half is one, no value is
// beyond 1/2 (a float's lower half adds less than the upper's last place, 2^-9), and they differ.
TEST(OperandPool, HoldsNumbersOfEitherKind) {
  on_each_device([](Device& device) {
    OperandPool pool(device, 1000);
    EXPECT_EQ(pool.bytes(), 1024);
    std::vector<Bf16> halves(512);
    std::vector<float> floats(256);
    device.download(pool.next<Bf16>(512), halves.data(), 1024);
    device.download(pool.next<float>(256), floats.data(), 1024);
    std::set<std::uint16_t> different;
    for (const Bf16 value : halves) {
      EXPECT_LE(std::abs(to_float(value)), 0.5F);
      different.insert(value.bits);
    }
    EXPECT_GT(different.size(), 256u);
    for (const float value : floats) EXPECT_LE(std::abs(value), 0.5F + 0x1p-9F);
  });
}

// 4 bytes are followed by what is aligned to 256; three times 300 bytes take 512 each and begin
// again where the pool of 1,024 ends.
TEST(OperandPool, MovesOnAndBeginsAgain) {
  on_each_device([](Device& device) {
    OperandPool pool(device, 1024);
    const float* const first = pool.next<float>(1);
    EXPECT_EQ(pool.next<float>(1) - first, 64);
    EXPECT_EQ(pool.next<float>(75) - first, 128);
    EXPECT_EQ(pool.next<float>(75), first);
    EXPECT_EQ(pool.next<float>(256), first);
    EXPECT_THROW(pool.next<float>(257), base::InvariantViolation);
  });
}

}  // namespace
}  // namespace moesim::model::cuda
