// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "tests/base/thrown_error.h"

namespace moesim::base {
namespace {

TEST(Units, TimesAreReadExactly) {
  EXPECT_EQ(parse_seconds("2 us").value, 2e-6);
  EXPECT_EQ(parse_seconds("0.1us").value, 1e-7);  // 0.1 * 1e-6 in doubles would be another number
  EXPECT_EQ(parse_seconds("3 ns").value, 3e-9);
  EXPECT_EQ(parse_seconds("1.5 ms").value, 1.5e-3);
  EXPECT_EQ(parse_seconds("10s").value, 10.0);
  EXPECT_EQ(parse_seconds("2 min").value, 120.0);
  EXPECT_EQ(parse_seconds("0.5 h").value, 1800.0);
  EXPECT_EQ(parse_seconds("0 s").value, 0.0);
  EXPECT_EQ(parse_seconds("1e3 ms").value, 1.0);
  EXPECT_EQ(parse_seconds(".5e-1  s").value, 0.05);
}

// GiB = 2^30 = 1,073,741,824 bytes; GB = 10^9.
TEST(Units, SizesKnowBothKindsOfPrefix) {
  EXPECT_EQ(parse_bytes("80 GiB").value, 85899345920.0);
  EXPECT_EQ(parse_bytes("80 GB").value, 80e9);
  EXPECT_EQ(parse_bytes("1 KiB").value, 1024.0);
  EXPECT_EQ(parse_bytes("7 B").value, 7.0);
  EXPECT_EQ(parse_bytes("2 PiB").value, 2251799813685248.0);
}

// 400 Gb/s = 400e9 bits/s / 8 = 50e9 bytes/s.
TEST(Units, NetworkRatesMayBeInBits) {
  EXPECT_EQ(parse_bytes_per_second("450 GB/s").value, 450e9);
  EXPECT_EQ(parse_bytes_per_second("400 Gb/s").value, 50e9);
  EXPECT_EQ(parse_bytes_per_second("400 Gbit/s").value, 50e9);
  EXPECT_EQ(parse_bytes_per_second("1 MiB/s").value, 1048576.0);
  EXPECT_EQ(parse_bytes_per_second("3.35 TB/s").value, 3.35e12);
}

TEST(Units, ComputeRatesHaveTwoSpellings) {
  EXPECT_EQ(parse_flops_per_second("989 TFLOP/s").value, 989e12);
  EXPECT_EQ(parse_flops_per_second("989.4 TFLOPS").value, 989.4e12);
  EXPECT_EQ(parse_flops_per_second("1 EFLOP/s").value, 1e18);
  EXPECT_EQ(parse_flops_per_second("5 FLOP/s").value, 5.0);
}

struct BadInput {
  const char* text;
  const char* said;  // part of the message
};

TEST(Units, BadTimesAreRefusedWithTheAcceptedUnits) {
  const BadInput inputs[] = {
      {"", "expected a time"},
      {" ", "does not begin with a number"},
      {"2", "has no unit"},
      {"2 ", "has no unit"},
      {"us", "does not begin with a number"},
      {"-2 us", "cannot be negative"},
      {"- 2 us", "does not begin with a number"},
      {"+2 us", "does not begin with a number"},
      {"nan s", "does not begin with a number"},
      {"inf s", "does not begin with a number"},
      {"0x10 s", "\"x10 s\" is not a unit"},
      {"1e400 s", "outside what a double holds"},
      {"1e308 h", "outside what a double holds"},
      {"1e-400 s", "outside what a double holds"},
      {"1e99999999999999999999 s", "outside what a double holds"},
      {"1e s", "\"e s\" is not a unit"},
      {". s", "does not begin with a number"},
      {"1.2.3 s", "\".3 s\" is not a unit"},
      {"1,5 s", "\",5 s\" is not a unit"},
      {"2 us ", "\"us \" is not a unit"},
      {"2 us us", "\"us us\" is not a unit"},
      {" 2 us", "does not begin with a number"},
      {"2\tus", "is not a unit"},
      {"2 US", "\"US\" is not a unit"},
      {"2 sec", "\"sec\" is not a unit"},
      {"2 \xC2\xB5s", "is not a unit"},
      {"2 GB", "\"GB\" is not a unit"},
  };
  for (const BadInput& input : inputs) {
    const Error error = thrown_error([&] { parse_seconds(input.text); });
    EXPECT_EQ(error.where(), "");
    EXPECT_NE(error.message().find(input.said), std::string::npos)
        << "\"" << input.text << "\": " << error.message();
    EXPECT_NE(error.hint().find("accepted: ns, us, ms, s, min, h"), std::string::npos)
        << error.hint();
  }
}

TEST(Units, BadSizesAreRefused) {
  const BadInput inputs[] = {
      {"80 gb", "b is bits"},         {"80 Gb", "b is bits"},
      {"80 Gbit", "b is bits"},       {"80 GIB", "\"GIB\" is not a unit of a size"},
      {"80 KB", "\"KB\" is not"},     {"80 GB/s", "\"GB/s\" is not a unit of a size"},
      {"80 bananas", "bananas"},      {"80", "has no unit"},
      {"-1 B", "cannot be negative"},
  };
  for (const BadInput& input : inputs) {
    const Error error = thrown_error([&] { parse_bytes(input.text); });
    EXPECT_NE(error.message().find(input.said), std::string::npos)
        << "\"" << input.text << "\": " << error.message();
    EXPECT_NE(error.hint().find("accepted: B, kB"), std::string::npos) << error.hint();
  }
}

TEST(Units, HintsNameTheUnitMeant) {
  const auto size_hint = [](const char* text) {
    return thrown_error([&] { parse_bytes(text); }).hint();
  };
  EXPECT_EQ(size_hint("80 Gb").find("did you mean \"80 GB\"?"), 0u);
  EXPECT_EQ(size_hint("80 gib").find("did you mean \"80 GiB\"?"), 0u);
  EXPECT_EQ(size_hint("8 KB").find("did you mean \"8 kB\"?"), 0u);
  const auto rate_hint = [](const char* text) {
    return thrown_error([&] { parse_bytes_per_second(text); }).hint();
  };
  EXPECT_EQ(rate_hint("4 gb/s").find("did you mean \"4 GB/s\" or \"4 Gb/s\"?"), 0u);
  EXPECT_EQ(rate_hint("450 GB").find("did you mean \"450 GB/s\" or \"450 Gb/s\"?"), 0u);
  EXPECT_EQ(thrown_error([] { parse_flops_per_second("989 TFLOP"); })
                .hint()
                .find("did you mean \"989 TFLOP/s\"?"),
            0u);
}

TEST(Units, LongInputIsCutInMessages) {
  const std::string message =
      thrown_error([] { parse_seconds("2 " + std::string(100000, 'x')); }).message();
  EXPECT_LT(message.size(), 200u);
}

TEST(Units, TextIsTheShortestThatReadsBack) {
  EXPECT_EQ(to_text(BytesPerSecond(450e9)), "450 GB/s");
  EXPECT_EQ(to_text(BytesPerSecond(50e9)), "50 GB/s");
  EXPECT_EQ(to_text(Seconds(2e-6)), "2 us");
  EXPECT_EQ(to_text(Seconds(1.5e-3)), "1.5 ms");
  EXPECT_EQ(to_text(Seconds(90)), "90 s");
  EXPECT_EQ(to_text(Seconds(3600)), "1 h");
  EXPECT_EQ(to_text(Seconds(1e-12)), "0.001 ns");
  EXPECT_EQ(to_text(Seconds(0)), "0 s");
  EXPECT_EQ(to_text(Bytes(85899345920.0)), "80 GiB");
  EXPECT_EQ(to_text(Bytes(80e9)), "80 GB");
  EXPECT_EQ(to_text(Bytes(0.5)), "0.5 B");
  EXPECT_EQ(to_text(FlopsPerSecond(989.4e12)), "989.4 TFLOP/s");
  EXPECT_EQ(to_text(Seconds(-2e-6)), "-2 us");
  EXPECT_EQ(to_text(Bytes(std::numeric_limits<double>::infinity())), "inf B");
}

TEST(Units, ShortTextHasFourDigits) {
  EXPECT_EQ(to_short_text(Seconds(0.0012345678901)), "1235 us");
  EXPECT_EQ(to_short_text(Seconds(59.9999)), "60 s");
  EXPECT_EQ(to_short_text(Seconds(2e-6)), "2 us");
  EXPECT_EQ(to_short_text(Seconds(0)), "0 s");
  EXPECT_EQ(to_short_text(Seconds(std::numeric_limits<double>::infinity())), "inf s");
}

// Any finite double from 0 up, over all magnitudes.
TEST(Units, EveryValueReadsBackToItself) {
  Rng rng(1, "units");
  for (int i = 0; i < 20000; ++i) {
    const double value = (1 + rng.uniform()) * std::pow(10.0, -320.0 + 628.0 * rng.uniform());
    EXPECT_EQ(parse_seconds(to_text(Seconds(value))).value, value);
    EXPECT_EQ(parse_bytes(to_text(Bytes(value))).value, value);
    EXPECT_EQ(parse_bytes_per_second(to_text(BytesPerSecond(value))).value, value);
    EXPECT_EQ(parse_flops_per_second(to_text(FlopsPerSecond(value))).value, value);
  }
  const double largest = std::numeric_limits<double>::max();
  EXPECT_EQ(parse_seconds(to_text(Seconds(largest))).value, largest);
}

// 8 GB over 2 GB/s takes 4 s; 6 TFLOP in 3 s is 2 TFLOP/s.
TEST(Units, ArithmeticKeepsTheDimensions) {
  EXPECT_EQ(Bytes(8e9) / BytesPerSecond(2e9), Seconds(4));
  EXPECT_EQ(Flops(6e12) / Seconds(3), FlopsPerSecond(2e12));
  EXPECT_EQ(BytesPerSecond(2e9) * Seconds(4), Bytes(8e9));
  EXPECT_EQ(Seconds(3) / Seconds(2), 1.5);
  EXPECT_LT(Seconds(1) - Seconds(2), Seconds(0));
}

}  // namespace
}  // namespace moesim::base
